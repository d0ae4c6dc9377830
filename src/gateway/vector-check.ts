/** What is wrong with a vector, as in the metric of invalid vectors. */
export type VectorFault = "not_finite" | "length" | "norm";

/**
 * @param dimension  numbers that a vector of the model has; null while that is not known
 * @returns null when nothing is wrong
 */
export function vectorFault(vector: Float32Array, dimension: number | null): VectorFault | null {
  if (vector.length === 0 || (dimension !== null && vector.length !== dimension)) return "length";
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (!Number.isFinite(squares)) return "not_finite";
  return squares > 0 ? null : "norm";
}
