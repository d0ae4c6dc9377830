import { noncentralChiSquaredTail } from "./distributions.ts";

/** c_k = Σ λ_i^k h_i + k Σ λ_i^k δ_i for k = 1 to 4, of Q = Σ λ_i χ²_{h_i}(δ_i). */
export type Cumulants = readonly [c1: number, c2: number, c3: number, c4: number];

/** @returns cumulants of Σ λ_i χ²₁ */
export function spectrumCumulants(eigenvalues: ArrayLike<number>): Cumulants {
  const power = (k: number): number => Array.from(eigenvalues).reduce((sum, value) => sum + value ** k, 0);
  return [power(1), power(2), power(3), power(4)];
}

/**
 * P(Q > q) of a weighted sum of χ² variables, by a noncentral χ² that matches mean, variance and skewness and comes as
 * near as it can in kurtosis (Liu, Tang and Zhang 2009, eq. 4 and section 2).
 */
export function liuTail(q: number, [c1, c2, c3, c4]: Cumulants): number {
  if (!(c2 > 0)) return q > c1 ? 0 : 1;
  const skewness = c3 / c2 ** 1.5;
  const kurtosis = c4 / c2 ** 2;
  const excess = skewness ** 2 - kurtosis;
  const a = excess > 0 ? 1 / (skewness - Math.sqrt(excess)) : 1 / skewness;
  const noncentrality = excess > 0 ? skewness * a ** 3 - a ** 2 : 0;
  const degrees = excess > 0 ? a ** 2 - 2 * noncentrality : 1 / skewness ** 2;
  const standardised = (q - c1) / Math.sqrt(2 * c2);
  return noncentralChiSquaredTail(standardised * Math.SQRT2 * a + degrees + noncentrality, degrees, noncentrality);
}
