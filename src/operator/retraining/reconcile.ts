import { finishedPhases, type JobStatus, type Retraining } from "../../api/index.ts";
import {
  done,
  hasFinalizer,
  isBeingDeleted,
  isControlledBy,
  type Job,
  jobs,
  type Requeue,
  type Stored,
  withoutFinalizer,
} from "../../kube/index.ts";
import { takenOf } from "../audit-trail.ts";
import { create, isRefused, isStalled } from "../ensure.ts";
import { finalizers, labels } from "../labels.ts";
import { recordSaid } from "../occurrences.ts";
import type { Turn } from "../ports.ts";
import type { Stalled } from "../rule.ts";
import { saveStatus, withDecisions } from "../save.ts";
import { allowReport } from "./allow-report.ts";
import { decide } from "./decide.ts";
import { observe } from "./observe.ts";
import { evaluationJob, modelVersionOf, ownEvaluation, trainingJob } from "./resources.ts";
import type { Observed } from "./world.ts";

/** A recorded Job is cleaned up by Kubernetes after this. */
const keptSeconds = 86_400;

export async function reconcile(turn: Turn): Promise<Requeue> {
  const { caches, key, clock, settings, metrics } = turn;
  const run = caches.retrainings.get(key);
  if (!run || isBeingDeleted(run)) {
    await releaseOrphans(turn, run?.metadata.uid);
    return done;
  }
  const now = clock.now();
  const observed = observe(turn, run, now);
  const obstacle = await carryOut(turn, run, observed);
  const world = obstacle ? { ...observed, obstacle } : observed;
  const { status, said } = decide(world, now);
  const next = withDecisions(status, said, takenOf(world.service, run.metadata.uid), now);
  if (!next) return { after: 1000 };
  const saved = await saveStatus(turn, caches.retrainings, run, next);
  if (saved) {
    recordSaid(turn, run, said);
    const labelled = { namespace: key.namespace, service: run.spec.serviceRef.name };
    if (finishedPhases.has(next.phase) && !finishedPhases.has(run.status.phase)) {
      metrics.retrainings.inc({ ...labelled, class: run.spec.cause.class, phase: next.phase });
    }
    // Of a service that is gone nothing is exported again.
    const gates = world.service ? next.gates : [];
    for (const { name, value } of gates) if (value !== null) metrics.gates.set({ ...labelled, gate: name }, value);
  }
  return finishedPhases.has(next.phase) ? done : { after: settings.resync, backoff: isRefused(obstacle) };
}

/** What follows from the status that is saved: Jobs, the version, and the release of what is recorded. */
export async function carryOut(turn: Turn, run: Stored<Retraining>, world: Observed): Promise<Stalled | null> {
  const { phase, train, evaluate } = run.status;
  const { settings, caches } = turn;
  if (phase === "Training" && train?.uid === "" && !world.train && world.service && !world.obstacle) {
    const made = await create(turn, caches.jobs, trainingJob(run, train.name, settings), run);
    if (isStalled(made)) return made;
  }
  if (phase === "Evaluating" && evaluate?.uid === "" && !world.evaluate && world.service && !world.obstacle) {
    const problem = ownEvaluation(run) ? null : await allowReport(turn, run);
    if (problem) return problem;
    const made = await create(turn, caches.jobs, evaluationJob(run, evaluate.name, settings), run);
    if (isStalled(made)) return made;
  }
  if (phase === "Gating" && !world.published && world.service) {
    const problem = await makeVersion(turn, run);
    if (problem) return problem;
  }
  await releaseRecorded(turn, run, [train, evaluate]);
  return null;
}

/** The same content made twice is one version: its name is its digest's. */
async function makeVersion(turn: Turn, run: Stored<Retraining>): Promise<Stalled | null> {
  const { caches, key } = turn;
  const service = caches.embeddingServices.get({ namespace: key.namespace, name: run.spec.serviceRef.name });
  if (!service) return null;
  const made = await create(turn, caches.modelVersions, modelVersionOf(run), service);
  return isStalled(made) ? made : null;
}

/** Once an answer is in the status, its Job need not be held any longer. A run that has ended ends its Jobs. */
async function releaseRecorded(
  turn: Turn,
  run: Stored<Retraining>,
  statuses: readonly (JobStatus | undefined)[],
): Promise<void> {
  const { caches, key } = turn;
  const over = finishedPhases.has(run.status.phase);
  for (const job of caches.jobs.list(key.namespace)) {
    if (job.metadata.labels?.[labels.run] !== key.name || !isControlledBy(job, run)) continue;
    const status = statuses.find((each) => each?.name === job.metadata.name);
    // One that is no longer named lost its answer, and a second Job has taken its place.
    const recorded = over || status === undefined || status.outcome !== "";
    if (!recorded) continue;
    if (over && !isEnded(job) && job.metadata.deletionTimestamp === undefined) await end(turn, job);
    else if (hasFinalizer(job, finalizers.result)) await releaseJob(turn, job);
  }
}

function isEnded({ status }: Job): boolean {
  return (
    status?.conditions?.some(
      ({ type, status: holds }) => (type === "Complete" || type === "Failed") && holds === "True",
    ) ?? false
  );
}

async function end({ kube, caches, writes, key, signal }: Turn, { metadata }: Stored<Job>): Promise<void> {
  const target = { namespace: key.namespace, name: metadata.name };
  const { uid, resourceVersion } = metadata;
  await kube.delete(jobs, target, { uid, resourceVersion, signal });
  writes.deleted(key, caches.jobs, target, uid);
}

async function releaseJob({ kube, caches, writes, key, signal }: Turn, { metadata }: Stored<Job>): Promise<void> {
  const target = { namespace: key.namespace, name: metadata.name };
  const { uid, resourceVersion, deletionTimestamp } = metadata;
  const patch = {
    metadata: { finalizers: withoutFinalizer(metadata.finalizers, finalizers.result) },
    ...(deletionTimestamp === undefined ? { spec: { ttlSecondsAfterFinished: keptSeconds } } : {}),
  };
  const patched = await kube.mergePatch(jobs, target, patch, { resourceVersion, signal });
  if (deletionTimestamp === undefined) writes.wrote(key, caches.jobs, patched);
  else writes.deleted(key, caches.jobs, target, uid);
}

/** Jobs of a run that is gone: nobody waits for their answers. */
async function releaseOrphans(turn: Turn, uid: string | undefined): Promise<void> {
  const { caches, key } = turn;
  for (const job of caches.jobs.list(key.namespace)) {
    if (job.metadata.labels?.[labels.run] !== key.name || !hasFinalizer(job, finalizers.result)) continue;
    const owner = job.metadata.ownerReferences?.find(({ controller }) => controller);
    if (uid !== undefined && owner?.uid !== uid) continue;
    await releaseJob(turn, job);
  }
}
