import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, it } from "vitest";
import { leastAlike } from "./least-alike.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

it("gives the vectors whose nearest other has the smallest cosine, and none without others", () => {
  const vectors = Float32Array.of(1, 0, -1, 0, 0.6, 0.8, 0.8, -0.6);
  const others = Float32Array.of(1, 0, 0, 1);
  // Largest cosines: 1, 0, .8, .8.
  expect(leastAlike(vectors, others, 2, 3)).toEqual([1, 2, 3]);
  expect(leastAlike(vectors, new Float32Array(0), 2, 3)).toEqual([]);
});
