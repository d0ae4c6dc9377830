import { symmetricEigen } from "./eigen.ts";
import { dot, type Matrix, row } from "./matrix.ts";

/**
 * Relative residual of the best orthogonal map of one set of vectors onto another (Schönemann 1966):
 *
 *   min over orthogonal R of ‖A − B R‖_F / ‖A‖_F,   ‖A − B R‖² = ‖A‖² + ‖B‖² − 2 ‖Aᵀ B‖_*
 *
 * About 0 when the space was only turned, about √2 when nothing of it is left. ‖Aᵀ B‖_* is Σ √eig(K_A^½ K_B K_A^½) with
 * the Gram matrices K of m rows, so that d × d is never formed.
 *
 * @param a  m × d
 * @param b  m × d
 */
export function procrustesResidual(a: Matrix, b: Matrix): number {
  const m = a.rows;
  const [gramA, gramB] = [gram(a), gram(b)];
  const { values, vectors } = symmetricEigen(gramA, m);
  const root = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let k = 0; k < m; k++) {
        sum += Math.sqrt(Math.max(0, values[k]!)) * vectors[k * m + i]! * vectors[k * m + j]!;
      }
      root[i * m + j] = sum;
    }
  }
  const inner = product(product(root, gramB, m), root, m);
  const singular = symmetricEigen(symmetrised(inner, m), m).values;
  const nuclear = singular.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  const [normA, normB] = [traceOf(gramA, m), traceOf(gramB, m)];
  return normA > 0 ? Math.sqrt(Math.max(0, normA + normB - 2 * nuclear) / normA) : 0;
}

function gram(matrix: Matrix): Float64Array {
  const m = matrix.rows;
  const result = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) result[i * m + j] = dot(row(matrix, i), row(matrix, j));
  return result;
}

function product(a: Float64Array, b: Float64Array, m: number): Float64Array {
  const result = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < m; k++) {
      const factor = a[i * m + k]!;
      for (let j = 0; j < m; j++) result[i * m + j] = result[i * m + j]! + factor * b[k * m + j]!;
    }
  }
  return result;
}

function symmetrised(a: Float64Array, m: number): Float64Array {
  return a.map((value, index) => (value + a[(index % m) * m + Math.floor(index / m)]!) / 2);
}

function traceOf(a: Float64Array, m: number): number {
  let sum = 0;
  for (let i = 0; i < m; i++) sum += a[i * m + i]!;
  return sum;
}
