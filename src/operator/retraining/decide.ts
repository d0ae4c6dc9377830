import {
  allPass,
  type EvaluateResult,
  finishedPhases,
  type JobStatus,
  judgeGates,
  modelIdentity,
  mostQuarantined,
  type RetrainingStatus,
  type TrainResult,
} from "../../api/index.ts";
import { withCondition } from "../condition.ts";
import { names } from "../identity.ts";
import { instant } from "../instant.ts";
import { first, type Rule, type Stalled } from "../rule.ts";
import type { Said } from "../said.ts";
import { gpuTime, isDue } from "./gpu-time.ts";
import { jobNames } from "./resources.ts";
import type { JobState, Observed } from "./world.ts";

/** What a run's status says next. What follows from it is done once it is saved. */
export type Decision = { readonly status: RetrainingStatus; readonly said: readonly Said[] };

type Step = {
  readonly status: Partial<RetrainingStatus>;
  readonly said: readonly Said[];
  readonly message: string;
  readonly stalled: Stalled | null;
};

/** In their order, the first that has something to say. */
export const steps: readonly Rule<Observed, Step>[] = [
  awaitReadable,
  cancelOrphan,
  awaitTurn,
  stallOnObstacle,
  begin,
  train,
  evaluate,
  gate,
];

export function decide(world: Observed, now: number): Decision {
  const { status, metadata } = world.run;
  if (finishedPhases.has(status.phase))
    return { status: { ...status, observedGeneration: metadata.generation }, said: [] };
  const step = first(steps, world, now) ?? wait("");
  const next = { ...status, ...step.status };
  return {
    status: { ...next, conditions: conditionsOf(world, next, step, now), observedGeneration: metadata.generation },
    said: step.said,
  };
}

function wait(message: string, stalled: Stalled | null = null): Step {
  return { status: {}, said: [], message, stalled };
}

function say({ run }: Observed, kind: string, facts: Readonly<Record<string, unknown>>): Said {
  return { kind, subject: `Retraining/${run.metadata.name}`, facts };
}

function end(
  world: Observed,
  phase: "Rejected" | "Failed" | "Cancelled",
  reason: string,
  message: string,
  now: number,
  status: Partial<RetrainingStatus> = {},
): Step {
  const short = message.slice(0, 2048);
  const facts = { reason, message: message.slice(0, 512) };
  return {
    status: { ...status, phase, reason, message: short, finishedAt: instant(now) },
    said: [say(world, `Run${phase}`, facts)],
    message: short,
    stalled: null,
  };
}

function awaitReadable({ unreadable }: Observed): Step | null {
  return unreadable && wait(unreadable.message, unreadable);
}

function cancelOrphan(world: Observed, now: number): Step | null {
  return world.service ? null : end(world, "Cancelled", "ServiceDeleted", "its service was deleted", now);
}

/** Also a run made by hand starts only when its service names it (decision 36), which it does while its parent is served. */
function awaitTurn(world: Observed, now: number): Step | null {
  const { run, service } = world;
  if (run.status.phase !== "Pending" || service?.status.retraining?.name === run.metadata.name) return null;
  const active = service?.status.activeVersion;
  if (active && active.digest !== run.spec.parent.digest) {
    return end(world, "Cancelled", "ParentReplaced", `${active.name} is active now: make the run anew`, now);
  }
  return run.spec.cause.class === "Manual"
    ? wait("the service has not named it yet")
    : wait(`the service has not named it; made by hand it needs spec.cause.class Manual, not ${run.spec.cause.class}`);
}

function stallOnObstacle({ obstacle }: Observed): Step | null {
  return obstacle ? wait(obstacle.message, obstacle) : null;
}

function begin(world: Observed, now: number): Step | null {
  const { run } = world;
  if (run.status.phase !== "Pending") return null;
  const { cause, threatModel, parent, seed } = run.spec;
  const facts = { cause: cause.id, class: cause.class, parent: parent.digest, threatModel: threatModel.hash, seed };
  const job = jobNames(run.metadata.name).train;
  return {
    status: { phase: "Training", startedAt: instant(now), train: newJob(job) },
    said: [say(world, "TrainingStarted", facts)],
    message: "",
    stalled: null,
  };
}

function newJob(name: string): JobStatus {
  return { name, uid: "", gpuSeconds: 0, pods: [], outcome: "", reemitted: false };
}

function train(world: Observed, now: number): Step | null {
  const { run } = world;
  const job = run.status.train;
  if (run.status.phase !== "Training" || !job) return null;
  const { state, done, step } = follow(world, "train", job, world.train, now);
  if (step) return step;
  if (!state || !done) return null;
  const { result } = state;
  if (!result?.bundle || result.error) {
    const message = result?.error?.message ?? "the trainer gave no bundle";
    return end(world, "Failed", result?.error?.reason ?? "NoBundle", message, now, { train: done });
  }
  const { digest } = modelIdentity(result.bundle);
  if (digest === run.spec.parent.digest) {
    return end(world, "Rejected", "Unchanged", "training gave back the model it started from", now, { train: done });
  }
  const quarantined = result.quarantined ?? null;
  const facts = { bundle: result.bundle, steps: result.steps ?? null, backend: result.backend ?? "", quarantined };
  return {
    status: {
      phase: "Evaluating",
      train: done,
      bundle: result.bundle,
      quarantined,
      trafficAdmitted: result.trafficAdmitted ?? 0,
      baselineShift: result.baselineShift ?? null,
      message: result.note ?? "",
      evaluate: newJob(jobNames(run.metadata.name).evaluate),
    },
    said: [say(world, "TrainingFinished", facts)],
    message: "",
    stalled: null,
  };
}

function evaluate(world: Observed, now: number): Step | null {
  const { run } = world;
  const job = run.status.evaluate;
  if (run.status.phase !== "Evaluating" || !job) return null;
  const { state, done, step } = follow(world, "evaluate", job, world.evaluate, now);
  if (step) return step;
  if (!state || !done) return null;
  const { result } = state;
  if (!result || result.error) {
    const message = result?.error?.message ?? "the evaluation gave no answer";
    return end(world, "Failed", result?.error?.reason ?? "NoResult", message, now, { evaluate: done });
  }
  const gates = judgeGates(run.spec.gates, result.gates, run.spec.alpha);
  const verdicts = Object.fromEntries(gates.map(({ name, verdict }) => [name, verdict]));
  return {
    status: {
      phase: "Gating",
      evaluate: done,
      report: result.report ?? "",
      gates,
      overlap: result.overlap ?? null,
    },
    said: [
      say(world, "GatesJudged", {
        verdicts,
        report: result.report ?? "",
        alpha: run.spec.alpha,
        overlap: result.overlap ?? null,
      }),
    ],
    message: "",
    stalled: null,
  };
}

function gate(world: Observed, now: number): Step | null {
  const { run, published } = world;
  const { phase, gates, overlap, bundle, trafficAdmitted: samples, baselineShift: shift } = run.status;
  if (phase !== "Gating") return null;
  if (!published) return wait("the version is being made");
  const name = names.modelVersion(run.spec.serviceRef.name, modelIdentity(bundle).digest);
  const made = { modelVersion: name };
  // Overlapping sets prove nothing, whatever the gates say (decision 14).
  if (overlap !== null && overlap > 0) {
    return end(world, "Rejected", "OverlappingData", `${overlap} sources are in more than one of the sets`, now, made);
  }
  if (!allPass(gates)) {
    const failed = gates.filter(({ verdict }) => verdict === "Fail" || verdict === "NoData");
    const unknown = failed.every(({ verdict }) => verdict === "NoData");
    const message = failed.map(({ name: gateName, message: said }) => `${gateName}: ${said}`).join("; ");
    return end(world, "Rejected", unknown ? "NotProven" : "GateFailed", message, now, made);
  }
  const mostShift = world.service?.spec.rollout.maxBaselineShift ?? 0;
  const needsApproval = reasonsForApproval(run.status, mostShift).join("; ");
  const admitted = { samples, shift, maxBaselineShift: mostShift, snapshot: run.spec.traffic ?? "", needsApproval };
  return {
    status: {
      phase: "Published",
      ...made,
      needsApproval,
      reason: "GatesPassed",
      finishedAt: instant(now),
    },
    said: [
      ...(samples > 0 ? [say(world, "TrafficAdmitted", admitted)] : []),
      say(world, "RunPublished", { bundle, modelVersion: name, needsApproval }),
    ],
    message: "",
    stalled: null,
  };
}

/** What passed its gates and yet is for a person to accept (decisions 5, 11 and 14). */
function reasonsForApproval(
  { overlap, quarantined, trafficAdmitted, baselineShift }: RetrainingStatus,
  mostShift: number,
): readonly string[] {
  const reasons: string[] = [];
  if (overlap === null) reasons.push("overlap of the sets is not known");
  if (quarantined !== null && quarantined > mostQuarantined) {
    reasons.push(`${Math.round(quarantined * 100)} % of the captured samples were set aside`);
  }
  if (trafficAdmitted > 0 && !(baselineShift !== null && baselineShift <= mostShift)) {
    const where = "from the first version's reference";
    const shift =
      baselineShift === null
        ? `how far the ${trafficAdmitted} admitted samples lie ${where} is not known`
        : `the ${trafficAdmitted} admitted samples lie ${roundUp(baselineShift)} standard deviations ${where}`;
    reasons.push(`${shift}; maxBaselineShift is ${mostShift}`);
  }
  return reasons;
}

/** What is over the limit shall not read as if it were not. */
function roundUp(shift: number): number {
  return Math.ceil(shift * 100) / 100;
}

type Followed<Result> =
  | { readonly step: Step; readonly state: null; readonly done: null }
  | { readonly step: null; readonly state: JobState<Result>; readonly done: JobStatus }
  | { readonly step: null; readonly state: null; readonly done: null };

const nothing = { step: null, state: null, done: null } as const;

/** What is common to both Jobs: seen, still at work, deleted, failed, answer lost. */
function follow<Result extends TrainResult | EvaluateResult>(
  world: Observed,
  role: "train" | "evaluate",
  job: JobStatus,
  state: JobState<Result> | null,
  now: number,
): Followed<Result> {
  const as = (status: JobStatus): Partial<RetrainingStatus> =>
    role === "train" ? { train: status } : { evaluate: status };
  const stop = (step: Step): Followed<Result> => ({ step, state: null, done: null });
  if (!state) {
    // Made and seen, and gone: somebody took even its finalizer away.
    return job.uid === "" ? nothing : stop(end(world, "Cancelled", "JobDeleted", `Job ${job.name} was deleted`, now));
  }
  const seen: JobStatus = {
    ...job,
    uid: state.uid,
    ...gpuTime(job, state.pods),
    ...(state.startedAt === null ? {} : { startedAt: job.startedAt ?? instant(state.startedAt) }),
  };
  const ended = (outcome: string): JobStatus => ({ ...seen, outcome, finishedAt: instant(state.finishedAt ?? now) });
  if (!state.end) {
    if (state.deleted) {
      return stop(end(world, "Cancelled", "JobDeleted", `Job ${job.name} was deleted`, now, as(ended("Deleted"))));
    }
    const news = seen.uid !== job.uid || seen.startedAt !== job.startedAt || isDue(job, seen);
    return stop({ status: news ? as(seen) : {}, said: [], message: state.trouble ?? "", stalled: null });
  }
  if (state.end.kind === "Failed") {
    const error = state.result?.error;
    const reason = error?.reason ?? state.end.reason;
    return stop(end(world, "Failed", reason, error?.message ?? state.end.message, now, as(ended(state.end.reason))));
  }
  if (state.result) return { step: null, state, done: ended("Complete") };
  if (job.reemitted) return stop(end(world, "Failed", "ResultLost", state.unreadable, now, as(ended("ResultLost"))));
  // The result stands in the store under the run's name: a second Job says it again and does no work (decision 26).
  const again: JobStatus = { ...seen, name: `${job.name}-again`, uid: "", reemitted: true };
  return stop({
    status: as(again),
    said: [say(world, "ResultLost", { job: job.name, why: state.unreadable })],
    message: `the answer of Job ${job.name} was lost`,
    stalled: null,
  });
}

function conditionsOf(
  { run }: Observed,
  status: RetrainingStatus,
  step: Step,
  now: number,
): RetrainingStatus["conditions"] {
  const { generation } = run.metadata;
  const over = finishedPhases.has(status.phase);
  const complete = { type: "Complete", holds: over, reason: over ? status.reason : status.phase, generation };
  const stalled = step.stalled;
  return withCondition(
    withCondition(run.status.conditions, { ...complete, message: over ? status.message : step.message }, instant(now)),
    {
      type: "Stalled",
      holds: stalled !== null,
      reason: stalled?.reason ?? "AsWanted",
      message: stalled?.message ?? "",
      generation,
    },
    instant(now),
  );
}
