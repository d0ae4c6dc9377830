import { leadingEigen } from "./eigen.ts";
import { type Matrix, meanRow, row } from "./matrix.ts";
import type { Random } from "./random.ts";

/**
 * A covariance in the form of probabilistic PCA (Tipping and Bishop 1999, eq. 7 and 8) plus a ridge:
 *
 *   Σ_λ = U diag(s) Uᵀ + ρ (I − U Uᵀ) + λ I
 *
 * U holds the leading r directions, ρ is the mean variance of the others. It takes r × d numbers instead of d × d.
 */
export type Whitening = {
  /** Mean of the samples it was fitted on, length d. */
  readonly mean: Float64Array;
  /** U: r unit rows of length d. */
  readonly basis: Matrix;
  /** s, length r, descending. */
  readonly variances: Float64Array;
  /** ρ */
  readonly residual: number;
  /** λ */
  readonly ridge: number;
};

/** Directions that are kept one by one. */
const rank = 64;
/** λ as a share of the mean variance of a coordinate. */
const ridgeShare = 0.1;

/**
 * @param samples  n × d with n ≥ 3
 * @throws {RangeError} when there are too few samples or they are all equal
 */
export function fitWhitening(samples: Matrix, random: Random): Whitening {
  const { rows: n, columns: d } = samples;
  if (n < 3) throw new RangeError(`a covariance needs at least 3 vectors, there are ${n}`);
  const mean = meanRow(samples);
  const total = totalVariance(samples, mean);
  if (!(total > 0)) throw new RangeError("the covariance is zero: all reference vectors are equal");
  const kept = Math.min(rank, d, n - 1);
  const { values, basis } = leadingEigen(samples, mean, kept, random);
  const explained = values.reduce((sum, value) => sum + value, 0);
  const residual = d > kept ? Math.max(0, (total - explained) / (d - kept)) : 0;
  return { mean, basis, variances: values, residual, ridge: (ridgeShare * total) / d };
}

/** @returns Σ_λ^power v, for power −1 (the direction of a linear discriminant) or −½ (whitened coordinates) */
export function whiten(whitening: Whitening, v: ArrayLike<number>, power: -1 | -0.5): Float64Array {
  const { basis, variances, residual, ridge } = whitening;
  const floor = (residual + ridge) ** power;
  const result = Float64Array.from(v, (value) => floor * value);
  for (let r = 0; r < basis.rows; r++) {
    const u = row(basis, r);
    let along = 0;
    for (let j = 0; j < u.length; j++) along += u[j]! * v[j]!;
    const factor = along * ((variances[r]! + ridge) ** power - floor);
    for (let j = 0; j < u.length; j++) result[j] = result[j]! + factor * u[j]!;
  }
  return result;
}

/** @returns vᵀ Σ_λ v: the variance of a sample along v */
export function varianceAlong(whitening: Whitening, v: ArrayLike<number>): number {
  const { basis, variances, residual, ridge } = whitening;
  let sum = 0;
  for (let j = 0; j < v.length; j++) sum += v[j]! ** 2;
  sum *= residual + ridge;
  for (let r = 0; r < basis.rows; r++) {
    const u = row(basis, r);
    let along = 0;
    for (let j = 0; j < u.length; j++) along += u[j]! * v[j]!;
    sum += along * along * (variances[r]! - residual);
  }
  return Math.max(0, sum);
}

/** @returns the squared length of the part of x − mean outside the kept directions, the PCA residual */
export function squaredResidual(whitening: Whitening, x: ArrayLike<number>): number {
  const { basis, mean } = whitening;
  let sum = 0;
  for (let j = 0; j < mean.length; j++) sum += (x[j]! - mean[j]!) ** 2;
  for (let r = 0; r < basis.rows; r++) {
    let along = 0;
    const start = r * basis.columns;
    for (let j = 0; j < mean.length; j++) along += basis.data[start + j]! * (x[j]! - mean[j]!);
    sum -= along * along;
  }
  return Math.max(0, sum);
}

function totalVariance(samples: Matrix, mean: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < samples.rows; i++) {
    const x = row(samples, i);
    for (let j = 0; j < x.length; j++) sum += (x[j]! - mean[j]!) ** 2;
  }
  return sum / (samples.rows - 1);
}
