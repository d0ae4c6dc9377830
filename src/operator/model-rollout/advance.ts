import { type ModelRolloutStatus, milliseconds } from "../../api/index.ts";
import { instant, time } from "../instant.ts";
import type { Rule, Stalled } from "../rule.ts";
import type { Said } from "../said.ts";
import { servedUri } from "../workload.ts";
import { analysisInterval, currentStep, holdOf, replicasFor, routeOf, watchEnds } from "./step.ts";
import type { Observed } from "./world.ts";

/** What changes in the status, and what is said of it. */
export type Advance = {
  readonly status: Partial<ModelRolloutStatus>;
  readonly said: readonly Said[];
  readonly wakeAfter: number | null;
  /** For the condition Progressing. */
  readonly reason: string;
  readonly message: string;
  readonly stalled: Stalled | null;
};

/** Forth, one thing at a time. */
export const advance: readonly Rule<Observed, Advance>[] = [
  awaitTurn,
  stallOnObstacle,
  awaitTrail,
  begin,
  finishWatch,
  watch,
  completePromotion,
  awaitWorkload,
  pause,
  awaitApproval,
  resume,
  awaitCandidate,
  moveTraffic,
  awaitGateways,
  beginHold,
  hold,
  nextStep,
  promote,
];

export function stay(
  reason: string,
  message = "",
  wakeAfter: number | null = null,
  stalled: Stalled | null = null,
): Advance {
  return { status: {}, said: [], wakeAfter, reason, message, stalled };
}

function change(
  { rollout }: Observed,
  status: Partial<ModelRolloutStatus>,
  kind: string | null,
  facts: Readonly<Record<string, unknown>>,
  reason: string,
): Advance {
  const said = kind === null ? [] : [{ kind, subject: `ModelRollout/${rollout.metadata.name}`, facts }];
  return { status, said, wakeAfter: 0, reason, message: "", stalled: null };
}

/** One at a time: its turn comes when the service names it. */
function awaitTurn({ rollout, service }: Observed): Advance | null {
  if (rollout.status.phase !== "Pending" || service?.status.rollout?.name === rollout.metadata.name) return null;
  return stay("AwaitingTurn", "the service has not named it yet");
}

function stallOnObstacle({ rollout, workload, obstacle }: Observed): Advance | null {
  const { phase } = rollout.status;
  const stalled = workload ? obstacle : { reason: "WorkloadMissing", message: "the workload does not exist" };
  if (!stalled || (phase === "Watching" && workload)) return null;
  return stay(stalled.reason, stalled.message, null, stalled);
}

/**
 * What goes forth is in the trail before more is done; a rollback does not wait for it (decision 25), nor does a promotion
 * whose patch may be made. It pauses when that lasts, so that no deadline passes meanwhile.
 */
function awaitTrail(world: Observed, now: number): Advance | null {
  const { trail, rollout } = world;
  if (!trail || rollout.spec.reason === "Rollback") return null;
  const { phase } = rollout.status;
  if (phase === "Promoting" || phase === "Watching") return null;
  const waiting = stay(trail.reason, trail.message, interval(world));
  if (phase !== "Progressing" || now - trail.since < trailPatience(rollout)) return waiting;
  return { ...waiting, status: { phase: "Paused", ...deadlinesFrom(now) }, wakeAfter: 0 };
}

/** A write that fails once, as at a server that is busy, is nothing to pause for, and takes little of a deadline; ms. */
function trailPatience({ spec }: Observed["rollout"]): number {
  return Math.min(10_000, milliseconds(spec.policy.progressDeadline) / 10);
}

function begin(world: Observed, now: number): Advance | null {
  const { rollout, workload } = world;
  if (rollout.status.phase !== "Pending") return null;
  const status: Partial<ModelRolloutStatus> = {
    ...entered(0, now),
    phase: "Progressing",
    steps: rollout.spec.policy.steps.length,
    stableReplicas: workload?.replicas ?? 1,
    startedAt: instant(now),
  };
  const facts = { from: rollout.spec.from.digest, to: rollout.spec.to.digest, reason: rollout.spec.reason };
  return change(world, status, "RolloutStarted", facts, "Started");
}

/** The state of a step that begins now. */
function entered(step: number, now: number): Partial<ModelRolloutStatus> {
  return {
    step,
    stepEnteredAt: instant(now),
    stepStartedAt: undefined,
    heldFor: 0,
    heldTo: undefined,
    verdict: undefined,
    noDataSince: undefined,
    analysedAt: undefined,
    analysis: [],
  };
}

function finishWatch(world: Observed, now: number): Advance | null {
  const { rollout, service } = world;
  if (rollout.status.phase !== "Watching") return null;
  const { judging, keeping } = watchEnds(rollout);
  const superseded = service?.status.rollout?.name !== rollout.metadata.name;
  // The service must have taken the promotion in before it may forget the rollout's name.
  const active = service?.status.activeVersion?.digest === rollout.spec.to.digest;
  if (!superseded && !(active && now >= Math.max(judging, keeping))) return null;
  const reason = superseded ? "Superseded" : "Promoted";
  const message = superseded ? "another rollout took its place while it watched" : "";
  const status: Partial<ModelRolloutStatus> = { phase: "Promoted", finishedAt: instant(now), reason, message };
  return change(world, status, "RolloutFinished", { reason }, reason);
}

function watch({ rollout }: Observed, now: number): Advance | null {
  if (rollout.status.phase !== "Watching") return null;
  const { judging, keeping } = watchEnds(rollout);
  const next = Math.max(1, Math.max(judging, keeping) - now);
  const interval = analysisInterval(judging - time(rollout.status.promotedAt ?? ""));
  return stay(
    "Watching",
    "promoted; watched for a while",
    Math.min(next, interval, Math.max(1, keeping > now ? keeping - now : next)),
  );
}

function completePromotion(world: Observed, now: number): Advance | null {
  const { rollout, workload } = world;
  if (rollout.status.phase !== "Promoting" || !workload) return null;
  if (servedUri(workload) !== rollout.spec.to.uri || workload.rolling !== "Complete") return null;
  const { step: _, ...fresh } = entered(rollout.status.step, now);
  const status: Partial<ModelRolloutStatus> = {
    ...fresh,
    phase: "Watching",
    patched: true,
    weight: 0,
    promotedAt: instant(now),
  };
  return change(
    world,
    status,
    "VersionPromoted",
    { digest: rollout.spec.to.digest, replicas: workload.replicas },
    "Promoted",
  );
}

function awaitWorkload(world: Observed): Advance | null {
  const { rollout, workload } = world;
  if (rollout.status.phase !== "Promoting" || !workload) return null;
  const patched = servedUri(workload) === rollout.spec.to.uri;
  const waiting = stay("RollingOver", "the workload's pods are being replaced", 5000);
  return patched && !rollout.status.patched ? { ...waiting, status: { patched: true } } : waiting;
}

function pause(world: Observed, now: number): Advance | null {
  const { spec, status } = world.rollout;
  if (!spec.paused) return null;
  if (status.phase === "Paused") return stay("Paused", "spec.paused is set", interval(world));
  return change(world, { phase: "Paused", ...deadlinesFrom(now) }, "RolloutPaused", { step: status.step }, "Paused");
}

/** A person decides before the first request is answered by the candidate; mirroring needs nobody. */
function awaitApproval(world: Observed, now: number): Advance | null {
  const { spec, status } = world.rollout;
  const step = currentStep(world.rollout);
  if (spec.policy.approval !== "Manual" || spec.approvals.length > 0 || step?.weight === undefined) return null;
  if (status.phase === "Paused") return stay("AwaitingApproval", "a person must approve: see evenkeel promote --help");
  return change(
    world,
    { phase: "Paused", ...deadlinesFrom(now) },
    "ApprovalAwaited",
    { step: status.step },
    "AwaitingApproval",
  );
}

function resume(world: Observed, now: number): Advance | null {
  const { spec, status } = world.rollout;
  if (status.phase !== "Paused") return null;
  const by = spec.approvals.map((approval) => approval.by);
  return change(
    world,
    { phase: "Progressing", ...deadlinesFrom(now) },
    "RolloutResumed",
    { step: status.step, approvedBy: by },
    "Resumed",
  );
}

/** Time that people take does not count towards a deadline, neither that to begin a step nor that to be silent. */
function deadlinesFrom(now: number): Partial<ModelRolloutStatus> {
  return { stepEnteredAt: instant(now), noDataSince: undefined };
}

/** Ready before the weight moves. */
function awaitCandidate({ rollout, candidate }: Observed): Advance | null {
  const wanted = replicasFor(currentStep(rollout), rollout.status.stableReplicas);
  const ready = candidate?.readyReplicas ?? 0;
  if (ready >= wanted || rollout.status.stepStartedAt !== undefined) return null;
  return stay("AwaitingCandidate", `${ready} of ${wanted} pods of the candidate are ready`, 5000);
}

function moveTraffic(world: Observed, now: number): Advance | null {
  const { status, metadata, spec } = world.rollout;
  const step = currentStep(world.rollout);
  if (!step) return null;
  const { weight, mirror } = routeOf(step);
  if (status.weight === weight && status.mirror === mirror) return null;
  const why = `step ${status.step + 1} of ${spec.policy.steps.length}`;
  const weights = [...status.weights, { weight, mirror, at: instant(now), why }].slice(-20);
  const facts = { rollout: metadata.name, step: status.step, weight, mirror, candidate: spec.to.digest };
  return change(world, { weight, mirror, weights }, "WeightChanged", facts, "MovingTraffic");
}

/** The hold begins when every gateway that is ready routes as it should (decision 32). */
function awaitGateways({ rollout, routing }: Observed): Advance | null {
  const { weight, mirror, stepStartedAt } = rollout.status;
  if (stepStartedAt !== undefined) return null;
  const told = routing?.candidate;
  const inForce =
    told?.digest === rollout.spec.to.digest && told.weight === weight && told.mirror === mirror && routing?.inForce;
  return inForce ? null : stay("AwaitingGateways", "not every ready gateway routes as it should yet", 2000);
}

function beginHold(world: Observed, now: number): Advance | null {
  if (world.rollout.status.stepStartedAt !== undefined) return null;
  return change(world, { stepStartedAt: instant(now) }, null, {}, "Holding");
}

function hold(world: Observed): Advance | null {
  const { rollout, analysis } = world;
  const step = currentStep(rollout);
  if (!step) return null;
  const length = holdOf(step);
  const heldFor = analysis?.heldFor ?? rollout.status.heldFor;
  const verdict = analysis?.verdict ?? rollout.status.verdict;
  if (length === 0 || (heldFor * 1000 >= length && verdict === "Pass")) return null;
  return stay(
    "Holding",
    `step ${rollout.status.step + 1}: held for ${heldFor} of ${length / 1000} s, analysis ${verdict ?? "not begun"}`,
    interval(world),
  );
}

function interval({ rollout }: Observed): number {
  const step = currentStep(rollout);
  return analysisInterval(step ? holdOf(step) : 0);
}

function nextStep(world: Observed, now: number): Advance | null {
  const { rollout, analysis } = world;
  const { step } = rollout.status;
  if (step + 1 >= rollout.spec.policy.steps.length) return null;
  const facts = { step, heldFor: analysis?.heldFor ?? rollout.status.heldFor };
  return change(world, entered(step + 1, now), "StepPassed", facts, "StepPassed");
}

function promote(world: Observed, now: number): Advance | null {
  const { spec } = world.rollout;
  const status: Partial<ModelRolloutStatus> = { phase: "Promoting", stepEnteredAt: instant(now) };
  return change(world, status, "PromotionStarted", { digest: spec.to.digest, uri: spec.to.uri }, "Promoting");
}
