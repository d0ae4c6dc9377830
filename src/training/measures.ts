import { symmetricEigen } from "../monitor/eigen.ts";

/** @returns for each query the index of the gallery row with the largest scalar product */
export function nearest(queries: Float32Array, gallery: Float32Array, dimension: number): Int32Array {
  const found = new Int32Array(queries.length / dimension);
  for (let q = 0; q < found.length; q++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let g = 0; g * dimension < gallery.length; g++) {
      let product = 0;
      for (let j = 0; j < dimension; j++) {
        product += (queries[q * dimension + j] ?? 0) * (gallery[g * dimension + j] ?? 0);
      }
      if (product > best) {
        best = product;
        found[q] = g;
      }
    }
  }
  return found;
}

/**
 * exp of the entropy of the normalised eigenvalues of the second-moment matrix (Roy and Vetterli 2007): how many directions
 * the embeddings fill, 1 to d.
 */
export function effectiveRank(embeddings: Float32Array, dimension: number): number {
  const moments = new Float64Array(dimension * dimension);
  for (let from = 0; from < embeddings.length; from += dimension) {
    for (let i = 0; i < dimension; i++) {
      const value = embeddings[from + i] ?? 0;
      for (let j = 0; j < dimension; j++) {
        moments[i * dimension + j] = (moments[i * dimension + j] ?? 0) + value * (embeddings[from + j] ?? 0);
      }
    }
  }
  const values = symmetricEigen(moments, dimension).values.map((value) => Math.max(0, value));
  const total = values.reduce((sum, value) => sum + value, 0);
  if (total === 0) return 0;
  return Math.exp(
    -values.reduce((sum, value) => (value > 0 ? sum + (value / total) * Math.log(value / total) : sum), 0),
  );
}

/** Class means of embeddings, of length 1; [classes × d], classes 0 to the largest label. */
export function classPrototypes(embeddings: Float32Array, labels: Int32Array, dimension: number): Float32Array {
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  const sums = new Float32Array(classes * dimension);
  labels.forEach((label, row) => {
    for (let j = 0; j < dimension; j++) {
      sums[label * dimension + j] = (sums[label * dimension + j] ?? 0) + (embeddings[row * dimension + j] ?? 0);
    }
  });
  for (let from = 0; from < sums.length; from += dimension) {
    const length = Math.hypot(...sums.subarray(from, from + dimension)) || 1;
    for (let j = 0; j < dimension; j++) sums[from + j] = (sums[from + j] ?? 0) / length;
  }
  return sums;
}
