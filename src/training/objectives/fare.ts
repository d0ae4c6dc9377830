import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { need, type Objective } from "./objective.ts";

/**
 * FARE (Schlarmann et al. 2024, eq. 3): ‖f(x′) − f₀(x)‖², the embedding of a changed input stays where the deployed model
 * has the original. Only for f and f₀ of one architecture: across architectures a plain L2 ruins retrieval.
 */
export const fare = {
  name: "Fare",
  schema: z.object({}),
  build:
    (): Objective =>
    ({ embeddings, partners }) =>
      tf.mean(tf.sum(tf.square(tf.sub(embeddings, need(partners, "Fare", "partners: the anchors"))), 1)),
} as const;
