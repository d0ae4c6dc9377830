import type { EmbeddingService, EvaluateResult, Retraining, TrainResult } from "../../api/index.ts";
import type { Stalled } from "../rule.ts";

/** How a Job has ended. */
export type JobEnd =
  | { readonly kind: "Complete" }
  | { readonly kind: "Failed"; readonly reason: string; readonly message: string };

export type PodTime = { readonly uid: string; readonly madeAt: string; readonly gpuSeconds: number };

/** What is known of one Job of the run. */
export type JobState<Result> = {
  readonly uid: string;
  readonly end: JobEnd | null;
  /** Somebody has deleted it; its finalizer holds it until its answer is recorded. */
  readonly deleted: boolean;
  /** What keeps it from its work, such as a pod that cannot be placed; null when nothing does. */
  readonly trouble: string | null;
  /** From its newest pod's termination message; null when there is none, or none that can be read. */
  readonly result: Result | null;
  /** Why the answer cannot be read. */
  readonly unreadable: string;
  /** ms */
  readonly startedAt: number | null;
  /** ms, of the last pod */
  readonly finishedAt: number | null;
  /** GPU time of its pods, newest first. */
  readonly pods: readonly PodTime[];
};

/** Everything that a decision about a run is taken from. */
export type Observed = {
  readonly run: Retraining;
  /** null when there is none any more, or none that stays. */
  readonly service: EmbeddingService | null;
  /** Why there is one that cannot be read; nothing is done meanwhile. */
  readonly unreadable: Stalled | null;
  readonly train: JobState<TrainResult> | null;
  readonly evaluate: JobState<EvaluateResult> | null;
  /** What stands in the way of making a Job, such as a name that is taken. */
  readonly obstacle: Stalled | null;
  /** Whether the ModelVersion of the bundle is there. */
  readonly published: boolean;
};
