import { evaluateResult, modelIdentity, type Retraining, trainResult } from "../../api/index.ts";
import { isControlledBy, type Stored } from "../../kube/index.ts";
import { byService } from "../caches.ts";
import { names } from "../identity.ts";
import type { Turn } from "../ports.ts";
import { type Stalled, unreadable } from "../rule.ts";
import { jobState, type Looking } from "./job-state.ts";
import type { JobState, Observed } from "./world.ts";

/** All reads of a reconcile of a run. */
export function observe(turn: Turn, run: Stored<Retraining>, now: number): Observed {
  const { caches, key } = turn;
  const { namespace } = key;
  const serviceKey = { namespace, name: run.spec.serviceRef.name };
  const unread = unreadable(caches.embeddingServices.unreadable(serviceKey));
  const service = unread ? null : caches.embeddingServices.get(serviceKey);
  const { train, evaluate, bundle } = run.status;
  const version = names.modelVersion(run.spec.serviceRef.name, bundle === "" ? "" : modelIdentity(bundle).digest);
  return {
    run,
    service: service?.metadata.deletionTimestamp === undefined ? service : null,
    unreadable: unread,
    train: train
      ? stateOf(turn, run, train.name, { role: "train", gpus: run.spec.placement.gpus, parser: trainResult, now })
      : null,
    evaluate: evaluate
      ? stateOf(turn, run, evaluate.name, { role: "evaluate", gpus: 0, parser: evaluateResult, now })
      : null,
    obstacle: strangerOf(turn, run),
    published: bundle !== "" && caches.modelVersions.get({ namespace, name: version }) !== null,
  };
}

/** A Job of the run's name that is not the run's. */
function strangerOf({ caches, key }: Turn, run: Stored<Retraining>): Stalled | null {
  const named = [run.status.train, run.status.evaluate].flatMap((job) => (job?.uid === "" ? job.name : []));
  const stranger = named
    .map((name) => caches.jobs.get({ namespace: key.namespace, name }))
    .find((job) => job !== null && !isControlledBy(job, run));
  if (!stranger) return null;
  return { reason: "NameTaken", message: `Job ${stranger.metadata.name} exists and is not of Retraining ${key.name}` };
}

function stateOf<Result>(
  { caches, key }: Turn,
  run: Stored<Retraining>,
  name: string,
  looking: Looking<Result>,
): JobState<Result> | null {
  const job = caches.jobs.get({ namespace: key.namespace, name });
  if (!job || !isControlledBy(job, run)) return null;
  const pods = caches.pods
    .by(byService, `${key.namespace}/${run.spec.serviceRef.name}`)
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid));
  return jobState(job, pods, looking);
}
