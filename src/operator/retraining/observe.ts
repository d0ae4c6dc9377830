import type { Retraining } from "../../api/index.ts";
import { evaluateResult, trainResult } from "../../api/index.ts";
import { isControlledBy, type Job, type Stored } from "../../kube/index.ts";
import { byService } from "../caches.ts";
import { identify, names } from "../identity.ts";
import type { Pod } from "../objects.ts";
import type { Turn } from "../ports.ts";
import type { Stalled } from "../rule.ts";
import type { JobEnd, JobState, Observed } from "./world.ts";

/** All reads of a reconcile of a run. */
export function observe(turn: Turn, run: Stored<Retraining>, now: number): Observed {
  const { caches, key } = turn;
  const { namespace } = key;
  const service = caches.embeddingServices.get({ namespace, name: run.spec.serviceRef.name });
  const { train, evaluate, bundle } = run.status;
  const version = names.modelVersion(run.spec.serviceRef.name, bundle === "" ? "" : identify(bundle).digest);
  return {
    run,
    service: service?.metadata.deletionTimestamp === undefined ? service : null,
    train: train ? jobState(turn, run, train.name, run.spec.placement.gpus, trainResult, now) : null,
    evaluate: evaluate ? jobState(turn, run, evaluate.name, 0, evaluateResult, now) : null,
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

interface Parser<Result> {
  safeParse: (
    value: unknown,
  ) => { readonly success: true; readonly data: Result } | { readonly success: false; readonly error: Error };
}

function jobState<Result>(
  { caches, key }: Turn,
  run: Stored<Retraining>,
  name: string,
  gpus: number,
  parser: Parser<Result>,
  now: number,
): JobState<Result> | null {
  const job = caches.jobs.get({ namespace: key.namespace, name });
  if (!job || !isControlledBy(job, run)) return null;
  const pods = caches.pods
    .by(byService, `${key.namespace}/${run.spec.serviceRef.name}`)
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid))
    .toSorted((a, b) => (createdAt(a) < createdAt(b) ? 1 : -1));
  const spans = pods.flatMap((pod) => spanOf(pod, now));
  const jobStart = job.status?.startTime === undefined ? [] : [Date.parse(job.status.startTime)];
  const starts = [...spans.map(([start]) => start), ...jobStart];
  const end = endOf(job);
  const ends = spans.map(([, finish]) => finish);
  return {
    uid: job.metadata.uid,
    end,
    deleted: job.metadata.deletionTimestamp !== undefined,
    ...answerIn(pods, parser, end),
    startedAt: starts.length > 0 ? Math.min(...starts) : null,
    finishedAt: end && ends.length > 0 ? Math.max(...ends) : null,
    // Without GPUs a pod's wall time counts as one.
    gpuSeconds: spans.reduce((sum, [start, finish]) => sum + ((finish - start) / 1000) * Math.max(1, gpus), 0),
  };
}

function createdAt({ metadata }: Stored<Pod>): string {
  return `${metadata.creationTimestamp} ${metadata.name}`;
}

function endOf({ status }: Job): JobEnd | null {
  const condition = status?.conditions?.find(
    ({ type, status: holds }) => (type === "Complete" || type === "Failed") && holds === "True",
  );
  if (!condition) return null;
  if (condition.type === "Complete") return { kind: "Complete" };
  return { kind: "Failed", reason: condition.reason ?? "JobFailed", message: condition.message ?? "" };
}

type Terminated = {
  readonly exitCode: number;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
};

function terminatedIn({ status }: Pod): Terminated | undefined {
  return status?.containerStatuses?.find(({ state }) => state?.terminated !== undefined)?.state?.terminated;
}

function spanOf(pod: Pod, now: number): [[start: number, finish: number]] | [] {
  const running = pod.status?.containerStatuses?.find(({ state }) => state?.running !== undefined)?.state?.running;
  const terminated = terminatedIn(pod);
  const start = Date.parse(terminated?.startedAt ?? running?.startedAt ?? "");
  const finish = terminated ? Date.parse(terminated.finishedAt ?? "") : now;
  return Number.isFinite(start) && Number.isFinite(finish) && finish >= start ? [[start, finish]] : [];
}

/** Of a Job that succeeded, the answer of the pod that did; else whatever the newest pod said. */
function answerIn<Result>(
  pods: readonly Stored<Pod>[],
  parser: Parser<Result>,
  end: JobEnd | null,
): Pick<JobState<Result>, "result" | "unreadable"> {
  const ended = pods.flatMap((pod) => terminatedIn(pod) ?? []);
  const said = end?.kind === "Complete" ? ended.find(({ exitCode }) => exitCode === 0) : ended[0];
  if (!said) return { result: null, unreadable: "the pod that ended is gone, and its termination message with it" };
  if (!said.message) return { result: null, unreadable: "the pod ended without a termination message" };
  const parsed = parser.safeParse(json(said.message));
  if (parsed.success) return { result: parsed.data, unreadable: "" };
  return { result: null, unreadable: `the termination message is no result: ${parsed.error.message.slice(0, 300)}` };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
