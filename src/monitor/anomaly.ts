import type { Reference } from "./reference.ts";
import { type ScoreName, type Scores, scoreNames, scoreVector } from "./scores.ts";

export type Anomaly = {
  readonly scores: Scores;
  /** Two-sided conformal p-value of each score, in (0, 1]. */
  readonly pValues: Readonly<Record<ScoreName, number>>;
  /** p-value of the vector as a whole: Bonferroni over the scores. */
  readonly p: number;
};

/**
 * How unusual one vector is. This is evidence for attribution, never a reason to quarantine or to alarm: distance flags
 * most of a benign new domain too, and misses impersonation (decision 9).
 *
 * @throws {RangeError} when the vector has another length than the reference's
 */
export function scoreAnomaly(reference: Reference, x: Float32Array): Anomaly {
  if (x.length !== reference.dimension) {
    throw new RangeError(`the vector has ${x.length} numbers, the reference ${reference.dimension}`);
  }
  const scores = scoreVector(reference, x);
  const pValue = (name: ScoreName): number => conformalPValue(reference.calibration[name], scores[name]);
  const pValues = { nearestCosine: pValue("nearestCosine"), norm: pValue("norm"), residual: pValue("residual") };
  const smallest = Math.min(...scoreNames.map((name) => pValues[name]));
  return { scores, pValues, p: Math.min(1, scoreNames.length * smallest) };
}

/**
 * Two-sided conformal p-value (Vovk, Gammerman and Shafer 2005, eq. 2.20; both tails at half the level):
 *
 *   p = min(1, 2 · min((1 + #{c ≤ s}) / (n + 1), (1 + #{c ≥ s}) / (n + 1)))
 *
 * Two-sided because hub vectors look more normal than normal ones do.
 *
 * @param calibration  scores of vectors the reference was not fitted on, ascending
 */
export function conformalPValue(calibration: Float32Array, score: number): number {
  const value = Math.fround(score);
  const n = calibration.length;
  const below = countUnder(calibration, value, true);
  const above = n - countUnder(calibration, value, false);
  return Math.min(1, (2 * (1 + Math.min(below, above))) / (n + 1));
}

/** How many values are under the bound, or at it too when inclusive. */
function countUnder(sorted: Float32Array, bound: number, inclusive: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const value = sorted[middle]!;
    if (value < bound || (inclusive && value === bound)) low = middle + 1;
    else high = middle;
  }
  return low;
}
