import { type Matrix, matrixOf, norm } from "./matrix.ts";
import type { Random } from "./random.ts";

/**
 * Vectors for tests: ten topics with their own directions, each vector near one of them and of length 1.
 *
 * `shift` moves the first coordinates; with `topic` all vectors are of one topic.
 */
export function topicVector(
  dimension: number,
  random: Random,
  change: { shift?: number; topic?: number } = {},
): Float32Array {
  const topic = change.topic ?? random.integer(10);
  const x = Float32Array.from({ length: dimension }, (_, j) => {
    const centre = Math.cos((topic + 1) * (j + 1)) + 0.5;
    return centre + random.gaussian() / (1 + j / 8) + (j < 4 ? (change.shift ?? 0) : 0);
  });
  const length = norm(x);
  return x.map((value) => value / length);
}

export function topicMatrix(count: number, dimension: number, random: Random): Matrix {
  return matrixOf(Array.from({ length: count }, () => topicVector(dimension, random)));
}
