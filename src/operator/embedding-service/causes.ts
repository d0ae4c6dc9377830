import {
  type Cause,
  type CauseClass,
  type EmbeddingService,
  type MonitorState,
  milliseconds,
  type Trigger,
} from "../../api/index.ts";
import { causeId, digestOf } from "../identity.ts";
import { instant, time } from "../instant.ts";
import { usesTraffic } from "./resources.ts";
import type { ScheduleState, SignalState } from "./world.ts";

/** What would start a run now, in the order of the triggers, signals before schedules. */
export function causesOf(
  service: EmbeddingService,
  signals: readonly SignalState[],
  schedules: readonly ScheduleState[],
  snapshot: MonitorState["snapshot"],
  now: number,
): Cause[] {
  const active = service.status.activeVersion;
  if (!active || !service.spec.retraining) return [];
  const identity = { service: service.metadata.uid, reference: active.digest };
  const bySignal = signals
    .filter(({ trigger, held }) => held && retrains(trigger))
    .map(({ trigger, status, query }): Cause => {
      const causeClass = classOf(trigger);
      const dataDigest = dataDigestOf(service, causeClass, snapshot, now - time(status.failingSince ?? instant(now)));
      const { alarm, asked } = status;
      const facts = { ...identity, trigger: trigger.name, asked, alarm, data: dataDigest };
      return {
        id: causeId(facts),
        class: causeClass,
        trigger: trigger.name,
        value: status.value,
        threshold: status.threshold,
        query: query.slice(0, 2048),
        at: instant(now),
        dataDigest,
        generation: service.metadata.generation,
      };
    });
  const bySchedule = schedules
    .filter(({ trigger, due }) => due !== null && retrains(trigger))
    .map(({ trigger, due }): Cause => {
      const at = instant(due ?? now);
      return {
        id: causeId({ service: service.metadata.uid, trigger: trigger.name, at }),
        class: "Schedule",
        trigger: trigger.name,
        value: null,
        threshold: null,
        query: trigger.schedule ?? "",
        at,
        dataDigest: dataDigestOf(service, "Schedule", snapshot, 0),
        generation: service.metadata.generation,
      };
    });
  return [...bySignal, ...bySchedule];
}

function retrains({ then }: Trigger): boolean {
  return then === "Retrain" || then === "ProtectAndRetrain";
}

function classOf({ signal }: Trigger): CauseClass {
  if (signal === undefined) return "Custom";
  return signal === "AdversarialAnomaly" ? "Attack" : "Drift";
}

/**
 * Names what a run would be trained and measured on (decision 8: a latched cause is tried again only when this has changed).
 * Captured traffic has changed once it has outlived its TTL since the alarm, since by then nothing of it is the same; a sliding
 * window of it is another one with each segment, and would be tried again and again.
 */
function dataDigestOf(
  service: EmbeddingService,
  causeClass: CauseClass,
  snapshot: MonitorState["snapshot"],
  alarmedForMs: number,
): string {
  const { reference, evaluation = "", traffic } = service.spec.dataset;
  if (!snapshot || !usesTraffic(service, { class: causeClass })) return digestOf({ reference, evaluation });
  return digestOf({ reference, evaluation, window: Math.floor(alarmedForMs / milliseconds(traffic.ttl)) });
}
