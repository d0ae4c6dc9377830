import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { Regularizer } from "./regularizer.ts";

/**
 * Squared Frobenius norm of the Jacobian, estimated along random directions u (Hoffman et al. 2019):
 *
 *   ‖J‖² ≈ D ‖f(x + hu) − f(x)‖² / h²,   D numbers in an input.
 *
 * A difference instead of a second derivative, which tfjs has not for every kernel.
 */
export const jacobian = {
  name: "Jacobian",
  schema: z.object({ step: z.number().gt(0).default(0.05) }),
  build:
    ({ step }: { step: number }): Regularizer =>
    ({ encode, batch, embeddings, directions }) => {
      const moved = encode(tf.add(batch, tf.mul(directions, step)));
      const inputs = batch.size / (batch.shape[0] ?? 1);
      return tf.mul(tf.mean(tf.sum(tf.square(tf.sub(moved, embeddings)), 1)), inputs / (step * step));
    },
} as const;
