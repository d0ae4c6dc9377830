import * as tf from "@tensorflow/tfjs";
import { embed } from "../../model/index.ts";
import { objectives } from "../objectives/index.ts";
import { type BenignFamily, composeBenign } from "../perturbations/index.ts";
import { stream } from "../streams.ts";
import type { Recipe } from "../trainer.ts";
import { gatherInputs, oneHotLabels, type TrainingData, tensorOf } from "../training-data.ts";

export type FirstModelInput = {
  readonly train: TrainingData;
  readonly benign: readonly BenignFamily[];
  readonly dimension: number;
  readonly seed: number;
};

/**
 * A first model from labels: cross entropy over cosines to trained class prototypes, which are thrown away in the end. It is
 * not robust; that is what retraining is for.
 */
export function firstModelRecipe({ train, benign, dimension, seed }: FirstModelInput): Recipe {
  const objective = objectives.prototypeCrossEntropy.build(
    objectives.prototypeCrossEntropy.schema.parse({ scale: 12 }),
  );
  const random = stream(seed, "weights", 1);
  const drawn = Float32Array.from({ length: train.classes * dimension }, () => random.gaussian());
  return {
    name: "FirstModel",
    heads: { prototypes: tf.tensor2d(drawn, [train.classes, dimension]) },
    attackSteps: [],
    views: (_, { step, rows }) => {
      const inputs = gatherInputs(train, rows);
      const seen = composeBenign(benign, inputs, train.size, 1, stream(seed, "benign", step));
      const labels = oneHotLabels(train, rows);
      if (!labels) throw new RangeError("a first model needs labels");
      return { batch: tensorOf(train, seen), labels };
    },
    loss: (encoder, { prototypes }, { batch, labels }) => {
      if (!batch || !labels || !prototypes) throw new Error("the views of a first model are a batch and its labels");
      const raw: tf.Tensor2D = tf.reshape(prototypes, [train.classes, dimension]);
      const classes: tf.Tensor2D = tf.div(raw, tf.norm(raw, 2, 1, true));
      const hot: tf.Tensor2D = tf.reshape(labels, [labels.shape[0] ?? 0, train.classes]);
      return objective({ embeddings: embed(encoder, batch), prototypes: classes, labels: hot });
    },
    probe: () => {
      throw new Error("a first model is not attacked while it is trained");
    },
  };
}
