import type { Condition, EmbeddingServiceStatus } from "../../api/index.ts";
import { withCondition } from "../condition.ts";
import { names } from "../identity.ts";
import { instant } from "../instant.ts";
import type { Said } from "../said.ts";
import { blocksIndependent } from "./block-length.ts";
import type { Protection } from "./protect.ts";
import type { Restoration } from "./restore.ts";
import { notFree, type Retrain } from "./retrain.ts";
import { schedulesAfter } from "./schedules.ts";
import { slotOf } from "./settle.ts";
import { trafficAvailable } from "./traffic.ts";
import type { Observed } from "./world.ts";

type Decided = {
  readonly protection: Protection;
  readonly restoration: Restoration;
  readonly retraining: Retrain;
};

/** The status after the decisions, and what of them goes into the audit chain. */
export function statusAfter(
  world: Observed,
  decided: Decided,
  now: number,
): { readonly status: EmbeddingServiceStatus; readonly said: readonly Said[] } {
  const { service, signals, schedules } = world;
  const recorded = decided.retraining.kind === "Record" ? decided.retraining.cause.trigger : null;
  const { cause: _, holding: __, protection: ___, ...before } = service.status;
  const retrained = retrainStatus(world, decided.retraining, now);
  const restored = restorationStatus(decided.restoration);
  const protection = protectionStatus(decided.protection);
  const said = [
    ...protectionSaid(world, decided.protection),
    ...restorationSaid(world, decided.restoration),
    ...retrainSaid(world, decided.retraining),
  ];
  const status: EmbeddingServiceStatus = {
    ...before,
    ...(service.status.cause ? { cause: service.status.cause } : {}),
    ...retrained,
    ...restored,
    ...(protection ? { protection } : {}),
    signals: signals.map((signal) => signal.status),
    schedules: schedulesAfter(service, schedules, recorded, now),
    observedGeneration: service.metadata.generation,
  };
  const conditions = conditionsOf(world, status, decided, now);
  return { status: { ...status, conditions, phase: phaseOf(world, status, conditions) }, said };
}

function retrainStatus({ service }: Observed, decision: Retrain, now: number): Partial<EmbeddingServiceStatus> {
  switch (decision.kind) {
    case "Steady":
    case "Create":
      return {};
    case "Seed":
      return { holding: seeding(decision.uri) };
    case "Stalled":
      return { holding: { reason: decision.reason, message: decision.message.slice(0, 1024) } };
    case "Wait": {
      const until = decision.until === null ? {} : { until: instant(decision.until) };
      return { holding: { reason: decision.reason, message: decision.message.slice(0, 1024), ...until } };
    }
    case "Adopt":
      return {
        activeVersion: decision.model,
        baselineVersion: service.status.baselineVersion ?? decision.model,
        firstVersion: service.status.firstVersion ?? decision.model,
        // Only one that is not made can be there: what it would bring was measured against the version before.
        rollout: undefined,
      };
    case "Record": {
      const { cause } = decision;
      const name = names.retraining(service.metadata.name, cause.id);
      return {
        cause: { ...cause, at: instant(now) },
        retraining: { name, uid: "", phase: "Pending", gpuSeconds: 0 },
      };
    }
    case "Accept": {
      const { run } = decision;
      return {
        cause: run.spec.cause,
        retraining: slotOf(run),
      };
    }
    default:
      return decision satisfies never;
  }
}

function seeding(uri: string): NonNullable<EmbeddingServiceStatus["holding"]> {
  return { reason: "Seeding", message: `the workload is given ${uri}` };
}

/** Whether it is saved that the workload is given this value, so that it may be done. */
export function isSeeding({ status }: Observed["service"], uri: string): boolean {
  const { reason, message } = seeding(uri);
  return status.holding?.reason === reason && status.holding.message === message;
}

function retrainSaid(world: Observed, decision: Retrain): Said[] {
  const { service, workload } = world;
  switch (decision.kind) {
    case "Seed":
      // Said once, before it is done: see `seed`.
      return isSeeding(service, decision.uri)
        ? []
        : [
            {
              kind: decision.from === "Active" ? "ModelRestored" : "ModelSeeded",
              subject: `Deployment/${service.spec.workloadRef.name}`,
              facts: { uri: decision.uri },
            },
          ];
    case "Adopt": {
      const { name, digest, uri } = decision.model;
      const before = service.status.activeVersion?.digest ?? "";
      const facts = { digest, uri, workload: workload?.uid ?? "", before, ...insteadOf(world) };
      return [{ kind: "VersionAdopted", subject: `ModelVersion/${name}`, facts }];
    }
    case "Record": {
      const { id, trigger, value, threshold, query, dataDigest } = decision.cause;
      const facts = {
        id,
        class: decision.cause.class,
        trigger,
        value,
        threshold,
        query: query.slice(0, 512),
        dataDigest,
      };
      const run = names.retraining(service.metadata.name, id);
      return [{ kind: "CauseRecorded", subject: `Retraining/${run}`, facts }];
    }
    case "Accept": {
      const { metadata, spec } = decision.run;
      return [
        {
          kind: "RunAccepted",
          subject: `Retraining/${metadata.name}`,
          facts: { uid: metadata.uid, cause: spec.cause.id },
        },
      ];
    }
    case "Steady":
    case "Wait":
    case "Stalled":
    case "Create":
      return [];
    default:
      return decision satisfies never;
  }
}

function restorationStatus(decision: Restoration): Partial<EmbeddingServiceStatus> {
  if (decision.kind !== "Begin") return {};
  const { metadata, spec, status } = decision.rollout;
  const to = { name: spec.to.version, digest: spec.to.digest, uri: spec.to.uri };
  return {
    rollout: {
      name: metadata.name,
      uid: metadata.uid,
      phase: status.phase,
      weight: 0,
      to,
      retraining: "",
      needsApproval: "",
    },
  };
}

function restorationSaid(world: Observed, decision: Restoration): Said[] {
  switch (decision.kind) {
    case "None":
    // The rollout itself says that it goes back.
    case "Abort":
      return [];
    case "Begin": {
      const { metadata, spec } = decision.rollout;
      const { from, to, reason } = spec;
      const facts = { uid: metadata.uid, from: from.digest, to: to.digest, reason, ...insteadOf(world) };
      return [{ kind: "RolloutAccepted", subject: `ModelRollout/${metadata.name}`, facts }];
    }
    default:
      return decision satisfies never;
  }
}

/** The rollout that was named, was not made, and will not be. */
function insteadOf({ service, rollout }: Observed): { readonly insteadOf?: string } {
  const slot = service.status.rollout;
  return slot && !rollout ? { insteadOf: slot.name } : {};
}

function protectionStatus(decision: Protection): EmbeddingServiceStatus["protection"] {
  if (decision.kind === "Off") return undefined;
  const { since, quietSince, trigger } = decision;
  return { active: true, since, trigger, ...(quietSince === null ? {} : { quietSince }) };
}

function protectionSaid({ service, signals }: Observed, decision: Protection): Said[] {
  const was = service.status.protection?.active ?? false;
  const subject = `EmbeddingService/${service.metadata.name}`;
  if (decision.kind === "On" && !was) {
    const signal = signals.find(({ trigger }) => trigger.name === decision.trigger);
    const { value = null, threshold = null } = signal?.status ?? {};
    const facts = { trigger: decision.trigger, mode: service.spec.gateway.protection.mode, value, threshold };
    return [{ kind: "ProtectionStarted", subject, facts }];
  }
  if (decision.kind === "Off" && was) return [{ kind: "ProtectionEnded", subject, facts: { why: decision.why } }];
  return [];
}

function conditionsOf(world: Observed, status: EmbeddingServiceStatus, decided: Decided, now: number): Condition[] {
  const { service, gateway, source, store, ownership, workload } = world;
  const { generation } = service.metadata;
  const say = (list: readonly Condition[], type: string, holds: boolean | null, reason: string, message: string) =>
    withCondition(list, { type, holds, reason, message, generation }, instant(now));
  const { retraining } = decided;
  let list: readonly Condition[] = service.status.conditions;
  list =
    retraining.kind === "Stalled"
      ? say(list, "Stalled", true, retraining.reason, retraining.message)
      : say(list, "Stalled", false, "AsWanted", "");
  list = source
    ? say(list, "SignalsAvailable", false, source.reason, source.message)
    : say(list, "SignalsAvailable", ...availability(world));
  const pods = `${gateway.ready} of ${gateway.wanted} pods are ready`;
  list = say(list, "TrafficAvailable", ...trafficAvailable(world));
  list =
    gateway.ready >= gateway.wanted
      ? say(list, "GatewayReady", true, "Ready", pods)
      : say(
          list,
          "GatewayReady",
          false,
          "PodsNotReady",
          [pods, ...(gateway.trouble ? [gateway.trouble] : [])].join("; "),
        );
  list = say(list, "StoreReady", store === null, store?.reason ?? "Bound", store?.message ?? "");
  list =
    ownership.kind === "Unknown"
      ? say(list, "Promotable", null, "Unknown", ownership.message)
      : ownership.kind === "Ours"
        ? say(list, "Promotable", true, "FieldFree", "")
        : say(list, "Promotable", false, "FieldOwnedBy", notFree(service, ownership.managers));
  list = say(list, "BlocksIndependent", ...blocksIndependent(world.autocorrelation, service.spec.monitoring.block));
  const served = status.activeVersion !== undefined && (workload?.readyReplicas ?? 0) > 0 && gateway.ready > 0;
  const ready = served && hasPods(world, status.activeVersion?.digest ?? "") !== false;
  list = say(list, "Ready", ready, ready ? "Serving" : "NotServing", ready ? "" : notServing(world, status));
  return [...list];
}

function notServing({ service, workload, gateway }: Observed, { activeVersion }: EmbeddingServiceStatus): string {
  if (!workload) return "the workload does not exist";
  if (!activeVersion) return "no version is active";
  if (gateway.ready === 0) return "no gateway pod is ready";
  if ((workload.readyReplicas ?? 0) === 0) return "no pod of the workload is ready";
  return `the gateways have no pod to send requests to: none gives the vectors of ${activeVersion.name} on port ${service.spec.port}`;
}

/** Whether a gateway has pods of the model that it may send requests to; null while none that is up to date has told. */
function hasPods({ gateways, config }: Observed, digest: string): boolean | null {
  const told = gateways.flatMap(({ exists, report }) =>
    exists && report?.ready && report.generation >= (config?.generation ?? 0) ? [report.pods[digest] ?? 0] : [],
  );
  return told.length === 0 ? null : told.some((pods) => pods > 0);
}

function availability({ signals }: Observed): [holds: boolean, reason: string, message: string] {
  const failed = signals.find(({ status }) => status.verdict === "SourceError");
  return failed ? [false, "SourceError", `${failed.trigger.name}: ${failed.status.message}`] : [true, "Answering", ""];
}

function phaseOf({ signals }: Observed, status: EmbeddingServiceStatus, list: readonly Condition[]): string {
  if (list.some(({ type, status: holds }) => type === "Stalled" && holds === "True")) return "Stalled";
  if (status.protection?.active) return "Protecting";
  if (status.rollout && status.rollout.phase !== "Watching") return "RollingOut";
  if (status.retraining) return "Retraining";
  // What serves nothing is not steady, whatever its signals say.
  if (list.some(({ type, status: holds }) => type === "Ready" && holds !== "True")) return "Pending";
  return signals.some(({ learning }) => learning) ? "Learning" : "Steady";
}
