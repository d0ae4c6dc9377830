import { type EmbeddingService, milliseconds, type Trigger } from "../../api/index.ts";
import { evaluate, type Prometheus, type Refusal, type Scope, type Verdict } from "../../signals/index.ts";
import { time } from "../instant.ts";
import { advanceSignal, stateOf } from "./signal-state.ts";
import type { SignalState } from "./world.ts";

/** Samples older than this do not count for a query of the user's, as in Prometheus itself. */
const lookback = 5 * 60_000;

/** Time between two evaluations, ms: half a block, so that no alarm waits long; at most 30 s. */
export function evaluationInterval({ spec }: EmbeddingService): number {
  return Math.min(30_000, Math.max(1000, milliseconds(spec.monitoring.block) / 2));
}

/** Triggers with a signal, as they are now; asked of Prometheus when it is time, else as they were. */
export async function evaluateSignals(
  service: EmbeddingService,
  source: Prometheus | Refusal,
  now: number,
): Promise<SignalState[]> {
  const interval = evaluationInterval(service);
  // What the user has just changed is looked at now.
  const isSeen = service.status.observedGeneration === service.metadata.generation;
  const scope = scopeOf(service);
  const triggers = service.spec.triggers.filter(({ schedule }) => schedule === undefined);
  return await Promise.all(
    triggers.map(async (trigger) => {
      const known = service.status.signals.find(({ name }) => name === trigger.name);
      // What was seen of another model says nothing of this one.
      const before = trigger.signal === undefined || known?.model === scope.model ? known : undefined;
      const evaluatedAt = before?.evaluatedAt === undefined ? 0 : time(before.evaluatedAt);
      // A little early is in time: timers are not exact, and the next chance is a whole interval away.
      if (before && isSeen && now - evaluatedAt < interval * 0.9) return stateOf(before, trigger, scope);
      const verdict = await judge(trigger, service, source, scope, now);
      return advanceSignal(before, trigger, verdict, Math.max(2.5 * interval, 5000), scope);
    }),
  );
}

async function judge(
  trigger: Trigger,
  service: EmbeddingService,
  source: Prometheus | Refusal,
  scope: Scope,
  now: number,
): Promise<Verdict> {
  const unknown = { value: null, threshold: null, samples: null, alarm: null, effect: null, query: "", at: now };
  if ("reason" in source) return { ...unknown, kind: "SourceError", reason: source.reason, message: source.message };
  const clock = { now: () => now };
  if (trigger.signal === undefined) {
    const { promql = "", above, below } = trigger;
    return await evaluate({ kind: "PromQL", query: promql, above, below, maxAge: lookback }, source, clock);
  }
  if (scope.model === "")
    return { ...unknown, kind: "NoData", reason: "Learning", message: "no version is active yet" };
  const maxAge = 3 * milliseconds(service.spec.monitoring.block) + 60_000;
  return await evaluate({ kind: "BuiltIn", signal: trigger.signal, scope, maxAge }, source, clock);
}

function scopeOf({ metadata, status }: EmbeddingService): Scope {
  return { namespace: metadata.namespace, service: metadata.name, model: status.activeVersion?.digest ?? "" };
}
