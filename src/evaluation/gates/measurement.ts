import type { EvaluationData, Gate } from "../../api/index.ts";
import type { Context } from "../context.ts";

/** Scores in [0, 1] of each model on the same rows. */
export type Scores = {
  readonly kind: "Scores";
  readonly candidate: ArrayLike<number>;
  readonly active: ArrayLike<number>;
  readonly baseline: ArrayLike<number>;
  /** source of each row */
  readonly sources: ArrayLike<number>;
};

/** What a test needs of a statistic that is no mean of scores. */
export type Facts = {
  readonly bound: number;
  readonly p: number | null;
  readonly n: number;
  readonly needed: number;
  readonly note?: string;
};

/** A statistic that brings its own test. `test` gives null for a test that makes no sense for it. */
export type Statistic = {
  readonly kind: "Statistic";
  readonly value: number;
  readonly test: (test: Gate["test"], margin: number, alpha: number) => Facts | null;
};

/** What could not be measured, and why. */
export type Missing = { readonly kind: "Missing"; readonly why: string };

export type Measurement = Scores | Statistic | Missing;

/** A metric: its name, the evaluation data it can be measured with, and how. */
export type Metric = {
  readonly name: Gate["metric"];
  readonly needs: readonly EvaluationData[];
  /** whether it is measured from attacks, which take most of an evaluation's time */
  readonly attacks?: true;
  readonly build: (context: Context) => Measurement;
};

export function missing(why: string): Missing {
  return { kind: "Missing", why };
}
