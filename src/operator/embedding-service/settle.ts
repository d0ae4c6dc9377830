import {
  type Cause,
  type EmbeddingServiceStatus,
  gpuSecondsOf,
  type ModelRef,
  type ModelRollout,
  modelIdentity,
  type Retraining,
} from "../../api/index.ts";
import { handsOff } from "../hands-off.ts";
import { names } from "../identity.ts";
import { instant } from "../instant.ts";
import type { Said } from "../said.ts";
import { servedUri } from "../workload.ts";
import type { Observed } from "./world.ts";

export type Settled = { readonly status: EmbeddingServiceStatus; readonly said: readonly Said[] };

const most = { causes: 20, ledger: 30, evaluations: 20 } as const;

/**
 * Takes in how the run and the rollout under way have gone, each exactly once: what it changes and the removal of the
 * name it goes by are one status write.
 */
export function settle(world: Observed, now: number): Settled {
  const afterRollout = settleRollout(world, world.service.status, now);
  // What a run has brought is not promoted before the trail has what led to it.
  if (world.trail) return afterRollout;
  const afterRun = settleRun(world, afterRollout.status, now);
  return { status: afterRun.status, said: [...afterRollout.said, ...afterRun.said] };
}

function settleRollout(world: Observed, status: EmbeddingServiceStatus, now: number): Settled {
  const slot = status.rollout;
  const { rollout } = world;
  if (!slot) return unchanged(status);
  if (!rollout) {
    if (slot.uid === "" || world.unreadable.rollout) return unchanged(status);
    const said = [about(`ModelRollout/${slot.name}`, "RolloutDeleted", { phase: slot.phase })];
    return { status: without(status, "rollout"), said };
  }
  const { phase, weight, reason } = rollout.status;
  switch (phase) {
    case "Watching": {
      const promoted = promote(world, status, rollout);
      return { ...promoted, status: seen(promoted.status, rollout) };
    }
    case "Promoted": {
      const promoted = promote(world, status, rollout);
      // Not before the watch is over: what is rolled back must not be what later versions are compared with.
      const baseline = isApproved(rollout) ? { baselineVersion: modelOf(rollout.spec.to) } : {};
      return { ...promoted, status: { ...without(promoted.status, "rollout"), ...baseline } };
    }
    case "RolledBack": {
      const failed = countRollback(world, status, rollout, now);
      const back = status.activeVersion?.digest === rollout.spec.to.digest && isGivenBack(world, rollout);
      const active = back ? modelOf(rollout.spec.from) : status.activeVersion;
      const said = back ? [activated(rollout.spec.from, rollout, reason)] : [];
      return { status: { ...without(failed, "rollout"), ...(active ? { activeVersion: active } : {}) }, said };
    }
    case "Pending":
    case "Progressing":
    case "Paused":
    case "Promoting":
    case "RollingBack":
      return unchanged(seen(status, rollout, weight));
    default:
      return phase satisfies never;
  }
}

/**
 * Whether the rollout has given the workload its old version again. What somebody else has put there instead stands: what
 * ready pods serve stays active until one serves that, and then it is adopted. Gateways would find no pod of any other.
 */
function isGivenBack({ workload }: Observed, { spec, status }: ModelRollout): boolean {
  return workload !== null && servedUri(workload) === spec.from.uri && !handsOff.has(status.reason);
}

function seen(
  status: EmbeddingServiceStatus,
  rollout: ModelRollout,
  weight = rollout.status.weight,
): EmbeddingServiceStatus {
  const { rollout: slot } = status;
  if (!slot) return status;
  return { ...status, rollout: { ...slot, uid: rollout.metadata.uid, phase: rollout.status.phase, weight } };
}

function promote(world: Observed, status: EmbeddingServiceStatus, rollout: ModelRollout): Settled {
  const { to } = rollout.spec;
  if (status.activeVersion?.digest === to.digest) return unchanged(status);
  const model = modelOf(to);
  const run = runOf(world, status);
  const next: EmbeddingServiceStatus = {
    ...status,
    activeVersion: model,
    ...(run ? { evaluationUses: countUse(status, run) } : {}),
    failures: status.failures.filter((entry) => entry.class !== run?.spec.cause.class),
  };
  return { status: next, said: [activated(to, rollout, isApproved(rollout) ? "approved" : "promoted")] };
}

function isApproved({ spec }: ModelRollout): boolean {
  return spec.approvals.length > 0;
}

function runOf({ runs }: Observed, status: EmbeddingServiceStatus): Retraining | undefined {
  return runs.find(({ metadata }) => metadata.name === status.rollout?.retraining);
}

/** A promotion spends half of what is left of the evaluation set's lifetime alpha (decision 18). */
function countUse(status: EmbeddingServiceStatus, { spec }: Retraining): EmbeddingServiceStatus["evaluationUses"] {
  const { evaluation } = spec.dataset;
  if (evaluation === undefined) return status.evaluationUses;
  const before = status.evaluationUses.find((entry) => entry.evaluation === evaluation)?.uses ?? 0;
  const others = status.evaluationUses.filter((entry) => entry.evaluation !== evaluation);
  return [...others, { evaluation, uses: before + 1 }].slice(-most.evaluations);
}

/** Reasons that say something of the model, not of what people did meanwhile. */
const failings: ReadonlySet<string> = new Set(["AnalysisFailed", "NotReady", "NoData", "WorkloadNotReady"]);

function countRollback(
  world: Observed,
  status: EmbeddingServiceStatus,
  rollout: ModelRollout,
  now: number,
): EmbeddingServiceStatus {
  const run = runOf(world, status);
  if (!run || !failings.has(rollout.status.reason)) return status;
  const { cause } = run.spec;
  return {
    ...status,
    failures: failuresAfter(status, cause.class, world.service.metadata.generation),
    lastCauses: causesAfter(status, cause, "RolledBack", now),
  };
}

function settleRun(world: Observed, status: EmbeddingServiceStatus, now: number): Settled {
  const slot = status.retraining;
  const { run, service } = world;
  if (!slot) return unchanged(status);
  if (!run) {
    if (slot.uid === "" || world.unreadable.run) return unchanged(status);
    const cleared = without(without(status, "retraining"), "cause");
    const lastCauses = status.cause ? causesAfter(status, status.cause, "Deleted", now) : status.lastCauses;
    const { name, gpuSeconds } = slot;
    const entry = { run: name, class: status.cause?.class ?? "Manual", at: instant(now), gpuSeconds };
    const ledger = shortened([...status.ledger, entry]);
    const said = [about(`Retraining/${slot.name}`, "RunDeleted", { phase: slot.phase })];
    return { status: { ...cleared, lastCauses, ledger }, said };
  }
  const { phase } = run.status;
  switch (phase) {
    case "Pending":
    case "Training":
    case "Evaluating":
    case "Gating":
      return unchanged({ ...status, retraining: slotOf(run) });
    case "Published":
      // Its rollout takes the place of the one that is there once that has ended, not before.
      if (status.rollout) return unchanged({ ...status, retraining: slotOf(run) });
      return account(world, without(without(status, "retraining"), "cause"), run, service.metadata.generation, now);
    case "Rejected":
    case "Failed":
    case "Cancelled":
      return account(world, without(without(status, "retraining"), "cause"), run, service.metadata.generation, now);
    default:
      return phase satisfies never;
  }
}

/** What is known of a run while it is under way: all that is left of one that somebody deletes. */
export function slotOf({ metadata: { name, uid }, status }: Retraining): EmbeddingServiceStatus["retraining"] {
  return { name, uid, phase: status.phase, gpuSeconds: gpuSecondsOf(status) };
}

function account(
  world: Observed,
  status: EmbeddingServiceStatus,
  run: Retraining,
  generation: number,
  now: number,
): Settled {
  const { cause, parent } = run.spec;
  const { phase } = run.status;
  // It was measured against a version that has been replaced since, by hand or by a rollout: it proves nothing now.
  const outdated = phase === "Published" && parent.digest !== status.activeVersion?.digest;
  const finishedAt = run.status.finishedAt ?? instant(now);
  const entry = { run: run.metadata.name, class: cause.class, at: finishedAt, gpuSeconds: gpuSecondsOf(run.status) };
  const accounted: EmbeddingServiceStatus = {
    ...status,
    ledger: shortened([...status.ledger, entry]),
    lastCauses: causesAfter(status, cause, outdated ? "Outdated" : phase, now),
    failures:
      phase === "Rejected" || phase === "Failed" ? failuresAfter(status, cause.class, generation) : status.failures,
  };
  if (outdated) {
    const facts = { parent: parent.digest, active: status.activeVersion?.digest ?? "" };
    return { status: accounted, said: [about(`Retraining/${run.metadata.name}`, "RunOutdated", facts)] };
  }
  if (phase !== "Published") return unchanged(accounted);
  return { status: { ...accounted, ...rolloutOf(world, accounted, run) }, said: [] };
}

/** The rollout is named before it is made. */
function rolloutOf(
  { service, rollouts }: Observed,
  status: EmbeddingServiceStatus,
  run: Retraining,
): Pick<EmbeddingServiceStatus, "rollout"> {
  const { digest } = modelIdentity(run.status.bundle);
  if (digest === status.activeVersion?.digest) return {};
  const stem = names.rollout(service.metadata.name, digest, 0).slice(0, -1);
  const numbers = rollouts.flatMap(({ metadata: { name } }) =>
    name.startsWith(stem) ? Number(name.slice(stem.length)) : [],
  );
  const n = 1 + Math.max(0, ...numbers.filter(Number.isInteger));
  const to: ModelRef = { name: names.modelVersion(service.metadata.name, digest), digest, uri: run.status.bundle };
  const needsApproval =
    run.status.needsApproval || (run.spec.evaluationData === "None" ? "no worse, not proven better" : "");
  return {
    rollout: {
      name: names.rollout(service.metadata.name, digest, n),
      uid: "",
      phase: "Pending",
      weight: 0,
      to,
      retraining: run.metadata.name,
      needsApproval,
    },
  };
}

function causesAfter(
  status: EmbeddingServiceStatus,
  { id, generation }: Cause,
  outcome: string,
  now: number,
): EmbeddingServiceStatus["lastCauses"] {
  const others = status.lastCauses.filter((entry) => entry.id !== id);
  return [...others, { id, outcome, generation, at: instant(now) }].slice(-most.causes);
}

function failuresAfter(
  status: EmbeddingServiceStatus,
  causeClass: EmbeddingServiceStatus["failures"][number]["class"],
  generation: number,
): EmbeddingServiceStatus["failures"] {
  const before = status.failures.find((entry) => entry.class === causeClass);
  const others = status.failures.filter((entry) => entry.class !== causeClass);
  const count = before?.generation === generation ? before.count + 1 : 1;
  return [...others, { class: causeClass, count, generation }];
}

/** Two old entries of a class become one with the later time: nothing that counts is ever forgotten. */
function shortened(ledger: EmbeddingServiceStatus["ledger"]): EmbeddingServiceStatus["ledger"] {
  if (ledger.length <= most.ledger) return ledger;
  for (const [index, old] of ledger.entries()) {
    const next = ledger.findIndex((entry, n) => n > index && entry.class === old.class);
    const other = ledger[next];
    if (!other) continue;
    const both = { ...other, gpuSeconds: old.gpuSeconds + other.gpuSeconds };
    return shortened(ledger.toSpliced(next, 1, both).toSpliced(index, 1));
  }
  return ledger.slice(-most.ledger);
}

function without(status: EmbeddingServiceStatus, key: "rollout" | "retraining" | "cause"): EmbeddingServiceStatus {
  const rest = { ...status };
  delete rest[key];
  return rest;
}

function modelOf({ version, digest, uri }: ModelRollout["spec"]["to"]): ModelRef {
  return { name: version, digest, uri };
}

function activated(end: ModelRollout["spec"]["to"], rollout: ModelRollout, why: string): Said {
  return about(`ModelVersion/${end.version}`, "VersionActivated", {
    digest: end.digest,
    rollout: rollout.metadata.name,
    why,
  });
}

function about(subject: string, kind: string, facts: Readonly<Record<string, unknown>>): Said {
  return { kind, subject, facts };
}

function unchanged(status: EmbeddingServiceStatus): Settled {
  return { status, said: [] };
}
