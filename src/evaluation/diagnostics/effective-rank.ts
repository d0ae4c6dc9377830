import { symmetricEigen } from "../../monitor/eigen.ts";

/**
 * Effective rank of embeddings: exp of the entropy of the normalised spectrum of their covariance (Roy and Vetterli
 * 2007, on eigenvalues). From 1, all on one line, to d.
 *
 * @param vectors  [n × d]
 * @param keep     which rows count; all when absent
 */
export function effectiveRank(vectors: Float32Array, d: number, keep?: (row: number) => boolean): number {
  const rows: number[] = [];
  for (let row = 0; row < vectors.length / d; row++) if (!keep || keep(row)) rows.push(row);
  const covariance = covarianceOf(vectors, d, rows);
  const values = symmetricEigen(covariance, d).values.map((value) => Math.max(0, value));
  const total = values.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) return 0;
  let entropy = 0;
  for (const value of values) if (value > 0) entropy -= (value / total) * Math.log(value / total);
  return Math.exp(entropy);
}

function covarianceOf(vectors: Float32Array, d: number, rows: readonly number[]): Float64Array {
  const mean = new Float64Array(d);
  for (const row of rows)
    for (let k = 0; k < d; k++) mean[k] = (mean[k] ?? 0) + (vectors[row * d + k] ?? 0) / rows.length;
  const covariance = new Float64Array(d * d);
  const centred = new Float64Array(d);
  for (const row of rows) {
    for (let k = 0; k < d; k++) centred[k] = (vectors[row * d + k] ?? 0) - (mean[k] ?? 0);
    for (let i = 0; i < d; i++) {
      const ci = centred[i] ?? 0;
      for (let j = i; j < d; j++) covariance[i * d + j] = (covariance[i * d + j] ?? 0) + ci * (centred[j] ?? 0);
    }
  }
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) covariance[i * d + j] = covariance[j * d + i] ?? 0;
  return covariance;
}
