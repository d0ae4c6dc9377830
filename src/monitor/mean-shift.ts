import { difference, dot, type Matrix, meanRow, row } from "./matrix.ts";
import { seededRandom } from "./random.ts";
import { fitWhitening, type Whitening, whiten } from "./whitening.ts";

/** Vectors that the covariance is fitted on. */
const mostFitted = 2000;
/** With fewer vectors a mean says little. */
const leastVectors = 30;

/** A whitened mean and the expected square of its own sampling error. */
export type WhitenedMean = { readonly mean: Float64Array; readonly noise: number };

/** @returns null when the sample has no spread, or fewer than three vectors */
export function whiteningOf(sample: Matrix): Whitening | null {
  try {
    return fitWhitening({ ...sample, rows: Math.min(mostFitted, sample.rows) }, seededRandom(1));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

export function whitenedMean(sample: Matrix, whitening: Whitening): WhitenedMean {
  const mean = meanRow(sample);
  let spread = 0;
  for (let i = 0; i < sample.rows; i++) spread += squares(whiten(whitening, difference(row(sample, i), mean), -0.5));
  return { mean: whiten(whitening, mean, -0.5), noise: spread / (sample.rows - 1) / sample.rows };
}

/**
 * Mahalanobis distance of two means in standard deviations of a vector of the reference, as `detectorEffect` has it, but
 * without what sampling alone brings:
 *
 *   √max(0, |Σ_λ^−½ (m_x − m_y)|² − tr Σ̂_x/n_x − tr Σ̂_y/n_y)          Σ̂ in whitened coordinates
 *
 * @param sample     n × d
 * @param reference  m × d; Σ_λ is fitted on it
 * @returns null when it cannot be told: fewer than 30 vectors of either, or a reference without spread
 */
export function meanShift(sample: Matrix, reference: Matrix): number | null {
  if (sample.rows < leastVectors || reference.rows < leastVectors) return null;
  const whitening = whiteningOf(reference);
  if (!whitening) return null;
  const to = whitenedMean(sample, whitening);
  const from = whitenedMean(reference, whitening);
  return Math.sqrt(Math.max(0, squares(difference(to.mean, from.mean)) - to.noise - from.noise));
}

function squares(a: Float64Array): number {
  return dot(a, a);
}
