import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { Network, Parameter, Weights } from "../network.ts";
import { constant, gelu, layerNorm, layerNormParameters, linear, linearParameters, weightOf } from "./layers.ts";

const schema = z
  .object({
    model_type: z.literal("vit"),
    image_size: z.int().min(1).default(224),
    patch_size: z.int().min(1).default(16),
    num_channels: z.int().min(1).max(4).default(3),
    hidden_size: z.int().min(1).default(768),
    num_hidden_layers: z.int().min(1).max(256).default(12),
    num_attention_heads: z.int().min(1).default(12),
    intermediate_size: z.int().min(1).default(3072),
    hidden_act: z.enum(["gelu", "relu"]).default("gelu"),
    layer_norm_eps: z.number().min(0).default(1e-12),
    qkv_bias: z.literal(true).default(true),
    initializer_range: z.number().min(0).default(0.02),
    // Not transformers' own: its image processors keep these in preprocessor_config.json, where they are written too.
    image_mean: z.array(z.number()).optional(),
    image_std: z.array(z.number().gt(0)).optional(),
  })
  .refine(({ image_size, patch_size }) => image_size % patch_size === 0, {
    message: "image_size must be a multiple of patch_size",
    path: ["patch_size"],
  })
  .refine(({ hidden_size, num_attention_heads }) => hidden_size % num_attention_heads === 0, {
    message: "hidden_size must be a multiple of num_attention_heads",
    path: ["num_attention_heads"],
  });
export type VitConfig = z.input<typeof schema>;

/**
 * Vision transformer (Dosovitskiy et al. 2021) with the tensor names of `transformers`' ViTModel. The embedding is the
 * class token after the last normalisation: `last_hidden_state[:, 0]`.
 */
export const vit = {
  name: "vit",
  modelType: "vit",
  schema,
  build: (config: z.infer<typeof schema>): Network => {
    const { hidden_size: width, image_size: side, patch_size: patch, num_channels: channels } = config;
    const { num_attention_heads: heads, layer_norm_eps: epsilon, initializer_range: deviation } = config;
    const grid = side / patch;
    const tokens = grid * grid + 1;
    const mean = config.image_mean ?? Array.from({ length: channels }, () => 0.5);
    const std = config.image_std ?? Array.from({ length: channels }, () => 0.5);
    const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => `encoder.layer.${i}`);
    const activation = config.hidden_act === "gelu" ? gelu<tf.Tensor2D> : (x: tf.Tensor2D) => tf.relu(x);

    const parameters: Parameter[] = [
      { ...constant("embeddings.cls_token", [1, 1, width], 0), initial: { kind: "Normal", deviation } },
      { ...constant("embeddings.position_embeddings", [1, tokens, width], 0), initial: { kind: "Normal", deviation } },
      {
        name: "embeddings.patch_embeddings.projection.weight",
        shape: [width, channels, patch, patch],
        layout: "Patches",
        trainable: true,
        initial: { kind: "Normal", deviation: Math.sqrt(1 / (channels * patch * patch)) },
      },
      constant("embeddings.patch_embeddings.projection.bias", [width], 0),
      ...layers.flatMap((layer) => [
        ...layerNormParameters(`${layer}.layernorm_before`, width),
        ...["query", "key", "value"].flatMap((part) =>
          linearParameters(`${layer}.attention.attention.${part}`, width, width, deviation),
        ),
        ...linearParameters(`${layer}.attention.output.dense`, width, width, deviation),
        ...layerNormParameters(`${layer}.layernorm_after`, width),
        ...linearParameters(`${layer}.intermediate.dense`, width, config.intermediate_size, deviation),
        ...linearParameters(`${layer}.output.dense`, config.intermediate_size, width, deviation),
      ]),
      ...layerNormParameters("layernorm", width),
    ];

    /** [n, h, w, c] → [n · grid², patch² · c], rows of patches in reading order */
    const patches = (batch: tf.Tensor): tf.Tensor2D => {
      const n = batch.shape[0] ?? 0;
      const scaled = tf.div(tf.sub(batch, tf.tensor1d(mean)), tf.tensor1d(std));
      const cut = tf.reshape(scaled, [n * grid, patch, grid, patch * channels]);
      return tf.reshape(tf.transpose(cut, [0, 2, 1, 3]), [n * grid * grid, patch * patch * channels]);
    };

    /** Multi-head self-attention. @param x [n · tokens, width] */
    const attention = (weights: Weights, name: string, x: tf.Tensor2D, n: number): tf.Tensor2D => {
      const size = width / heads;
      const split = (part: string, axes: number[]): tf.Tensor =>
        tf.transpose(tf.reshape(linear(weights, `${name}.attention.${part}`, x), [n, tokens, heads, size]), axes);
      const scores = tf.matMul(split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]));
      const context = tf.matMul(tf.softmax(tf.mul(scores, 1 / Math.sqrt(size))), split("value", [0, 2, 1, 3]));
      const merged = tf.reshape<tf.Rank.R2>(tf.transpose(context, [0, 2, 1, 3]), [n * tokens, width]);
      return linear(weights, `${name}.output.dense`, merged);
    };

    const forward = (weights: Weights, batch: tf.Tensor): tf.Tensor2D => {
      const n = batch.shape[0] ?? 0;
      const projected = linear(weights, "embeddings.patch_embeddings.projection", patches(batch));
      const classToken = tf.tile(weightOf(weights, "embeddings.cls_token"), [n, 1, 1]);
      const sequence = tf.concat([classToken, tf.reshape(projected, [n, tokens - 1, width])], 1);
      const positioned = tf.add(sequence, weightOf(weights, "embeddings.position_embeddings"));
      let hidden = tf.reshape<tf.Rank.R2>(positioned, [n * tokens, width]);
      for (const layer of layers) {
        const before = layerNorm(weights, `${layer}.layernorm_before`, hidden, epsilon);
        hidden = tf.add(hidden, attention(weights, `${layer}.attention`, before, n));
        const after = layerNorm(weights, `${layer}.layernorm_after`, hidden, epsilon);
        const inner = activation(linear(weights, `${layer}.intermediate.dense`, after));
        hidden = tf.add(hidden, linear(weights, `${layer}.output.dense`, inner));
      }
      const states = tf.reshape(layerNorm(weights, "layernorm", hidden, epsilon), [n, tokens, width]);
      return tf.reshape(tf.slice(states, [0, 0, 0], [n, 1, width]), [n, width]);
    };
    return {
      architecture: "vit",
      config: { architectures: ["ViTModel"], ...config, image_mean: mean, image_std: std },
      inputShape: [side, side, channels],
      dimension: width,
      parameters,
      forward,
    };
  },
} as const;
