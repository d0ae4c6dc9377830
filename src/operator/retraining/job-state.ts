import { jsonOf } from "../../api/index.ts";
import type { Job, Pod, Stored } from "../objects.ts";
import { troubleOf } from "../pod-state.ts";
import type { Role } from "./resources.ts";
import type { JobEnd, JobState } from "./world.ts";

interface Parser<Result> {
  safeParse: (
    value: unknown,
  ) => { readonly success: true; readonly data: Result } | { readonly success: false; readonly error: Error };
}

export type Looking<Result> = {
  /** The name of the container that does the work: others are injected, and their end says nothing of it. */
  readonly role: Role;
  /** Of a pod. */
  readonly gpus: number;
  readonly parser: Parser<Result>;
  readonly now: number;
};

/** What is known of a Job from itself and its pods. */
export function jobState<Result>(
  job: Stored<Job>,
  itsPods: readonly Stored<Pod>[],
  { role, gpus, parser, now }: Looking<Result>,
): JobState<Result> {
  const pods = itsPods.toSorted((a, b) => (createdAt(a) < createdAt(b) ? 1 : -1));
  const workers = pods.map((pod) => stateOf(pod, role));
  const times = pods.map((pod) => ({
    uid: pod.metadata.uid,
    madeAt: pod.metadata.creationTimestamp,
    span: spanOf(stateOf(pod, role), now),
  }));
  const spans = times.flatMap(({ span }) => span);
  const jobStart = job.status?.startTime === undefined ? [] : [Date.parse(job.status.startTime)];
  const starts = [...spans.map(([start]) => start), ...jobStart];
  const end = endOf(job);
  const ends = spans.map(([, finish]) => finish);
  return {
    uid: job.metadata.uid,
    end,
    deleted: job.metadata.deletionTimestamp !== undefined,
    trouble: job.spec?.suspend
      ? `Job ${job.metadata.name} is suspended`
      : (pods.flatMap((pod) => troubleOf(pod) ?? [])[0] ?? null),
    ...answerIn(workers, parser, end),
    startedAt: starts.length > 0 ? Math.min(...starts) : null,
    finishedAt: end && ends.length > 0 ? Math.max(...ends) : null,
    // Without GPUs a pod's wall time counts as one.
    pods: times.flatMap(({ uid, madeAt, span }) =>
      span.map(([start, finish]) => ({ uid, madeAt, gpuSeconds: ((finish - start) / 1000) * Math.max(1, gpus) })),
    ),
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

type Worker = NonNullable<NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number]["state"]>;

function stateOf({ status }: Pod, role: Role): Worker {
  return status?.containerStatuses?.find(({ name }) => name === role)?.state ?? {};
}

function spanOf({ running, terminated }: Worker, now: number): [[start: number, finish: number]] | [] {
  const start = Date.parse(terminated?.startedAt ?? running?.startedAt ?? "");
  const finish = terminated ? Date.parse(terminated.finishedAt ?? "") : now;
  return Number.isFinite(start) && Number.isFinite(finish) && finish >= start ? [[start, finish]] : [];
}

/** Of a Job that succeeded, the answer of the pod that did; else whatever the newest pod said. */
function answerIn<Result>(
  workers: readonly Worker[],
  parser: Parser<Result>,
  end: JobEnd | null,
): Pick<JobState<Result>, "result" | "unreadable"> {
  const ended = workers.flatMap(({ terminated }) => terminated ?? []);
  const said = end?.kind === "Complete" ? ended.find(({ exitCode }) => exitCode === 0) : ended[0];
  if (!said) return { result: null, unreadable: "the pod that ended is gone, and its termination message with it" };
  if (!said.message) return { result: null, unreadable: "the pod ended without a termination message" };
  const parsed = parser.safeParse(jsonOf(said.message));
  if (parsed.success) return { result: parsed.data, unreadable: "" };
  return { result: null, unreadable: `the termination message is no result: ${parsed.error.message.slice(0, 300)}` };
}
