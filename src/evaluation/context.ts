import type { Perturbation, Target } from "../api/index.ts";
import type { Budget, WorstCase } from "./attacks/index.ts";
import type { ExplainedShift } from "./diagnostics/explained-shift.ts";
import type { EvaluationSet, Part } from "./evaluation-set.ts";
import type { Model, Models } from "./model.ts";

/** How much is measured. The defaults of `settings.ts` fit an evaluation of 1,000 queries into 40 s on two cores. */
export type Settings = {
  /** documents of the index, queries of each domain, queries that are attacked, and of curve and masking checks */
  readonly documents: number;
  readonly queries: number;
  readonly attacked: number;
  readonly sampled: number;
  readonly budget: Budget;
  readonly resamples: number;
  /** draws of each benign family; the worst or the mean counts */
  readonly draws: number;
  /** whether a candidate that other gates stop already is attacked all the same, for people who want to know */
  readonly attackLost: boolean;
};

/** Each model's worst case under one adversarial family. */
export type Robustness = {
  readonly perturbation: Perturbation;
  readonly candidate: WorstCase;
  readonly active: WorstCase;
  readonly baseline: WorstCase;
};

/** What became of one resilience target. */
export type TargetResult = Target & {
  readonly value: number | null;
  /** lower confidence bound, which must reach `atLeast` */
  readonly bound: number | null;
  readonly n: number;
  readonly met: boolean;
};

/** What is measured on. */
export type Scene = {
  readonly set: EvaluationSet;
  readonly models: Models;
  readonly perturbations: readonly Perturbation[];
  readonly targets: readonly Target[];
  readonly settings: Settings;
  readonly seed: number;
  readonly alpha: number;
  /** the queries that were attacked: the first ones of the old domain */
  readonly attacked: Part;
  /** inputs as the world might send them, under all benign families at once, one array a draw; of the old domain's queries */
  readonly views: readonly Float32Array[];
  /** standard deviation of each coordinate, of the documents */
  readonly deviations: Float32Array;
  /**
   * how much of the shift in captured traffic the labelled slice shows; Unknown when they cannot be compared, Quarantined
   * when too much of the traffic was set aside
   */
  readonly shift: ExplainedShift | "Unknown" | "Quarantined" | "NoTraffic";
};

/** Everything that gates are measured from. */
export type Context = Scene & {
  /** none when nothing was attacked */
  readonly robustness: readonly Robustness[];
  readonly targetResults: readonly TargetResult[];
};

/** The same measurement of each model. */
export function ofEach<Value>(models: Models, measure: (model: Model) => Value): Record<keyof Models, Value> {
  const active = measure(models.active);
  return {
    candidate: measure(models.candidate),
    active,
    baseline: models.baseline === models.active ? active : measure(models.baseline),
  };
}
