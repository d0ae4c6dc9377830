import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { Network, Parameter, Weights } from "../network.ts";
import { constant, layerNorm, layerNormParameters, linear, linearParameters, weightOf } from "./layers.ts";

const schema = z.object({
  model_type: z.literal("evenkeel-residual-mlp"),
  input_shape: z.array(z.int().min(1)).min(1).max(3),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(0).max(256),
  embedding_size: z.int().min(1),
  layer_norm_eps: z.number().min(0).default(1e-5),
});
export type ResidualMlpConfig = z.input<typeof schema>;

/**
 * Multilayer perceptron with pre-normalised residual blocks, for images and vectors:
 *
 *   h₀ = (x − mean)/std · W + b,   h ← h + W₂ relu(W₁ LN(h)),   e = W LN(h)
 *
 * `standardise.mean` and `standardise.std` are taken from data, not trained: a budget in units of a coordinate's
 * standard deviation then means the same for every coordinate.
 */
export const residualMlp = {
  name: "residual-mlp",
  modelType: "evenkeel-residual-mlp",
  schema,
  build: (config: z.infer<typeof schema>): Network => {
    const { hidden_size: width, intermediate_size: inner, embedding_size: dimension, layer_norm_eps: epsilon } = config;
    const inputs = config.input_shape.reduce((product, side) => product * side, 1);
    const blocks = Array.from({ length: config.num_hidden_layers }, (_, i) => `blocks.${i}`);
    const parameters: Parameter[] = [
      constant("standardise.mean", [inputs], 0, false),
      constant("standardise.std", [inputs], 1, false),
      ...linearParameters("stem", inputs, width, Math.sqrt(2 / inputs)),
      ...blocks.flatMap((block) => [
        ...layerNormParameters(`${block}.norm`, width),
        ...linearParameters(`${block}.up`, width, inner, Math.sqrt(2 / width)),
        // Small, so that a block begins near the identity.
        ...linearParameters(`${block}.down`, inner, width, 0.5 / Math.sqrt(inner)),
      ]),
      ...layerNormParameters("norm", width),
      ...linearParameters("head", width, dimension, Math.sqrt(1 / width)),
    ];
    const forward = (weights: Weights, batch: tf.Tensor): tf.Tensor2D => {
      const flat = tf.reshape(batch, [batch.shape[0] ?? 0, inputs]);
      const centred = tf.sub(flat, weightOf(weights, "standardise.mean"));
      let hidden = linear(weights, "stem", tf.div(centred, weightOf(weights, "standardise.std")));
      for (const block of blocks) {
        const up = tf.relu(linear(weights, `${block}.up`, layerNorm(weights, `${block}.norm`, hidden, epsilon)));
        hidden = tf.add(hidden, linear(weights, `${block}.down`, up));
      }
      return linear(weights, "head", layerNorm(weights, "norm", hidden, epsilon));
    };
    return {
      architecture: "residual-mlp",
      config: { architectures: ["EvenkeelResidualMlp"], ...config },
      inputShape: config.input_shape,
      dimension,
      parameters,
      forward,
    };
  },
} as const;
