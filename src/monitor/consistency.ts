import { cosine } from "./matrix.ts";

/**
 * Consistency score of one input: 1 − cosine of its vector and the vector of its squeezed copy, in [0, 2].
 * Adversarial inputs move far, drifted ones do not: this tells an attack from a drift (decision 9).
 */
export function consistencyScore(embedding: ArrayLike<number>, squeezed: ArrayLike<number>): number {
  if (embedding.length !== squeezed.length) {
    throw new RangeError(`the vectors have ${embedding.length} and ${squeezed.length} numbers`);
  }
  const score = 1 - cosine(embedding, squeezed);
  return Number.isFinite(score) ? Math.min(2, Math.max(0, score)) : 2;
}

/** Scores over `score` are flagged, and those equal to it with probability `tie`. */
export type ConsistencyThreshold = { readonly score: number; readonly tie: number };

/**
 * Threshold of a squeezer at a false-positive rate: the larger one of those from clean inputs and from each benign
 * family of the threat model, so that no benign family is flagged more often than the rate.
 *
 * With n calibration scores the k = ⌊(n + 1) · rate⌋ largest are flagged, which makes the rate hold for a new
 * exchangeable score (Vovk, Gammerman and Shafer 2005, split conformal). Ties at the threshold are randomised, or scores
 * that are mostly equal would all be flagged or none.
 *
 * @param rate  in (0, 1)
 * @returns null when a set is too small for the rate: it needs 1/rate − 1 scores
 */
export function calibrateThreshold(
  clean: ArrayLike<number>,
  benign: readonly ArrayLike<number>[],
  rate = 0.01,
): ConsistencyThreshold | null {
  const thresholds = [clean, ...benign].map((scores) => conformalThreshold(scores, rate));
  let largest: ConsistencyThreshold | null = null;
  for (const threshold of thresholds) {
    if (!threshold) return null;
    const larger =
      !largest || threshold.score > largest.score || (threshold.score === largest.score && threshold.tie < largest.tie);
    if (larger) largest = threshold;
  }
  return largest;
}

/**
 * @param random  uniform in [0, 1), used for ties only
 */
export function isFlagged(threshold: ConsistencyThreshold, score: number, random: number): boolean {
  return score > threshold.score || (score === threshold.score && random < threshold.tie);
}

function conformalThreshold(scores: ArrayLike<number>, rate: number): ConsistencyThreshold | null {
  const sorted = Float64Array.from(scores).sort();
  const flagged = Math.floor((sorted.length + 1) * rate);
  if (flagged < 1) return null;
  const score = sorted[sorted.length - flagged]!;
  let above = 0;
  let equal = 0;
  for (const value of sorted) {
    if (value > score) above++;
    else if (value === score) equal++;
  }
  return { score, tie: (flagged - above) / (equal + 1) };
}

/** @returns one of the squeezers, drawn by a uniform number in [0, 1): an attacker cannot know which */
export function drawSqueezer<Squeezer>(squeezers: readonly [Squeezer, ...Squeezer[]], random: number): Squeezer {
  return squeezers[Math.floor(random * squeezers.length)] ?? squeezers[0];
}
