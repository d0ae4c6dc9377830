import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { need, type Objective } from "./objective.ts";

/**
 * Normalised temperature-scaled cross entropy (Chen et al. 2020, eq. 1): of the 2n embeddings of n inputs in two views,
 * each must find its partner among all others,
 *
 *   ℓᵢ = −log( exp(zᵢ·zⱼ/τ) / Σ_{k≠i} exp(zᵢ·zₖ/τ) ).
 */
export const ntXent = {
  name: "NtXent",
  schema: z.object({ temperature: z.number().gt(0).default(0.5) }),
  build:
    ({ temperature }: { temperature: number }): Objective =>
    ({ embeddings, partners }) => {
      const both = tf.concat([embeddings, need(partners, "NtXent", "partners")], 0);
      const n = embeddings.shape[0];
      const similar = tf.div(tf.matMul(both, tf.transpose(both)), temperature);
      const itself = tf.eye(2 * n);
      const others = tf.sub(similar, tf.mul(itself, 1e9));
      // Row i's partner is i + n, and the other way round.
      const pairs = tf.concat(
        [
          tf.pad(tf.eye(n), [
            [0, 0],
            [n, 0],
          ]),
          tf.pad(tf.eye(n), [
            [0, 0],
            [0, n],
          ]),
        ],
        0,
      );
      const agreement = tf.sum(tf.mul(similar, pairs), 1);
      return tf.mean(tf.sub(tf.logSumExp(others, 1), agreement));
    },
} as const;
