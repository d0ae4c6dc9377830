import * as tf from "@tensorflow/tfjs";

/**
 * Which vectors look least like any of the others: those whose nearest one has the smallest cosine.
 *
 * @param vectors  [n × d], of length 1
 * @param others   [m × d], of length 1
 * @returns rows of `vectors`, the least alike first; none without others
 */
export function leastAlike(vectors: Float32Array, others: Float32Array, d: number, count: number): number[] {
  const [n, m] = [vectors.length / d, others.length / d];
  if (n === 0 || m === 0) return [];
  const nearest = tf.tidy(() =>
    tf.max(tf.matMul(tf.tensor2d(vectors, [n, d]), tf.tensor2d(others, [m, d]), false, true), 1),
  );
  const cosines = nearest.dataSync<"float32">();
  nearest.dispose();
  return Array.from(cosines.keys())
    .sort((a, b) => (cosines[a] ?? 0) - (cosines[b] ?? 0) || a - b)
    .slice(0, count);
}
