import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { Regularizer } from "./regularizer.ts";

/**
 * VICReg's variance term (Bardes, Ponce and LeCun 2022, eq. 1), against collapse: mean over coordinates of
 * max(0, γ − √(Var + ε)). On unit vectors of d numbers an even spread has a deviation of 1/√d, hence γ = target/√d.
 */
export const variance = {
  name: "Variance",
  schema: z.object({ target: z.number().gt(0).default(0.7) }),
  build:
    ({ target }: { target: number }): Regularizer =>
    ({ embeddings }) => {
      const [n, d] = embeddings.shape;
      const centred = tf.sub(embeddings, tf.mean(embeddings, 0, true));
      const deviation = tf.sqrt(tf.add(tf.div(tf.sum(tf.square(centred), 0), n - 1), 1e-6));
      return tf.mean(tf.relu(tf.sub(target / Math.sqrt(d), deviation)));
    },
} as const;
