import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { need, type Objective } from "./objective.ts";

/**
 * Cross entropy over cosine logits: −log softmax(s · f(x)·Wᵀ)_y.
 *
 * With W the class means of the old model's embeddings it is the backward-compatible loss (Shen et al. 2020, eq. 5): the
 * new embeddings must work with the old index. With W trained it is the supervised loss of a first model.
 */
export const prototypeCrossEntropy = {
  name: "PrototypeCrossEntropy",
  schema: z.object({ scale: z.number().gt(0).default(12) }),
  build:
    ({ scale }: { scale: number }): Objective =>
    ({ embeddings, prototypes, labels }) => {
      const classes = need(prototypes, "PrototypeCrossEntropy", "prototypes");
      const logits = tf.mul(tf.matMul(embeddings, tf.transpose(classes)), scale);
      const chosen = tf.sum(tf.mul(logits, need(labels, "PrototypeCrossEntropy", "labels")), 1);
      return tf.mean(tf.sub(tf.logSumExp(logits, 1), chosen));
    },
} as const;
