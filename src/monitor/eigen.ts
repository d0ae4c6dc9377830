import { dot, type Matrix, norm, row } from "./matrix.ts";
import type { Random } from "./random.ts";

/** Eigenvalues in descending order and their unit eigenvectors, `vectors[i * size + j]` being vector i. */
export type Eigen = { readonly values: Float64Array; readonly vectors: Float64Array; readonly size: number };

/**
 * All eigenvalues of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan 2013, section 8.5).
 *
 * @param matrix  size × size, row after row; it is not changed
 */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const a = matrix.slice();
  const v = new Float64Array(size * size);
  for (let i = 0; i < size; i++) v[i * size + i] = 1;
  let scale = 0;
  for (const value of a) scale += value * value;
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) off += a[p * size + q]! ** 2;
    if (off <= 1e-26 * scale) break;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(a, v, size, p, q);
  }
  const order = Array.from({ length: size }, (_, i) => i).sort((i, j) => a[j * size + j]! - a[i * size + i]!);
  const vectors = new Float64Array(size * size);
  order.forEach((from, to) => {
    for (let j = 0; j < size; j++) vectors[to * size + j] = v[from * size + j]!;
  });
  return { values: Float64Array.from(order, (i) => a[i * size + i]!), vectors, size };
}

/** Zeroes a[p][q]; eigenvectors are kept as rows of v. */
function rotate(a: Float64Array, v: Float64Array, size: number, p: number, q: number): void {
  const apq = a[p * size + q]!;
  if (apq === 0) return;
  const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * apq);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    const kp = a[k * size + p]!;
    const kq = a[k * size + q]!;
    a[k * size + p] = c * kp - s * kq;
    a[k * size + q] = s * kp + c * kq;
  }
  for (let k = 0; k < size; k++) {
    const pk = a[p * size + k]!;
    const qk = a[q * size + k]!;
    a[p * size + k] = c * pk - s * qk;
    a[q * size + k] = s * pk + c * qk;
    const vp = v[p * size + k]!;
    const vq = v[q * size + k]!;
    v[p * size + k] = c * vp - s * vq;
    v[q * size + k] = s * vp + c * vq;
  }
}

type Row = Float64Array<ArrayBuffer>;

/** The leading eigenpairs of a sample covariance: `basis` has one unit eigenvector a row. */
export type LeadingEigen = { readonly values: Float64Array; readonly basis: Matrix };

/**
 * Leading eigenpairs of the covariance of rows, by randomized subspace iteration (Halko, Martinsson and Tropp 2011,
 * algorithms 4.4 and 5.3): the d × d covariance is never formed.
 *
 * @param samples  n × d
 * @param mean     what is taken off each row, length d
 * @param rank     eigenpairs wanted, at most d and n − 1
 * @returns eigenvalues of Σ (x − mean)(x − mean)ᵀ / (n − 1), descending, and their vectors
 */
export function leadingEigen(samples: Matrix, mean: Float64Array, rank: number, random: Random): LeadingEigen {
  const d = samples.columns;
  const width = Math.min(d, rank + 10);
  let block = Array.from({ length: width }, () => Float64Array.from({ length: d }, () => random.gaussian()));
  orthonormalise(block);
  let image = covarianceTimes(samples, mean, block);
  // A block that spans the whole space is exact as it is.
  const rounds = width < d ? 5 : 0;
  for (let round = 0; round < rounds; round++) {
    block = image;
    orthonormalise(block);
    image = covarianceTimes(samples, mean, block);
  }
  const small = new Float64Array(width * width);
  block.forEach((u, i) => {
    image.forEach((w, j) => {
      small[i * width + j] = dot(u, w);
    });
  });
  const ritz = symmetricEigen(small, width);
  const data = new Float32Array(rank * d);
  for (let r = 0; r < rank; r++) {
    for (let i = 0; i < width; i++) {
      const weight = ritz.vectors[r * width + i]!;
      const u = block[i] ?? [];
      for (let k = 0; k < d; k++) data[r * d + k] = data[r * d + k]! + weight * u[k]!;
    }
  }
  return {
    values: Float64Array.from(ritz.values.subarray(0, rank), (value) => Math.max(0, value)),
    basis: { rows: rank, columns: d, data },
  };
}

function covarianceTimes(samples: Matrix, mean: Float64Array, block: Row[]): Row[] {
  const d = samples.columns;
  const image = block.map(() => new Float64Array(d));
  const centred = new Float64Array(d);
  for (let i = 0; i < samples.rows; i++) {
    const x = row(samples, i);
    for (let k = 0; k < d; k++) centred[k] = x[k]! - mean[k]!;
    block.forEach((u, index) => {
      let along = 0;
      for (let k = 0; k < d; k++) along += u[k]! * centred[k]!;
      along /= samples.rows - 1;
      const out = image[index];
      if (out) for (let k = 0; k < d; k++) out[k] = out[k]! + along * centred[k]!;
    });
  }
  return image;
}

/** Modified Gram-Schmidt, twice is enough (Giraud et al. 2005). A row that vanishes is left zero. */
function orthonormalise(block: Row[]): void {
  block.forEach((u, index) => {
    for (let pass = 0; pass < 2; pass++) {
      for (const w of block.slice(0, index)) {
        const along = dot(u, w);
        for (let k = 0; k < u.length; k++) u[k] = u[k]! - along * w[k]!;
      }
    }
    const length = norm(u);
    for (let k = 0; k < u.length; k++) u[k] = length > 1e-30 ? u[k]! / length : 0;
  });
}
