import * as tf from "@tensorflow/tfjs";
import type { Random } from "../monitor/index.ts";
import { elements } from "../registry/index.ts";
import { heldShape, type Network, type Weights } from "./network.ts";
import { withGradient } from "./with-gradient.ts";

/** A network with weights. The weights are tensors of the running backend and belong to whoever made them. */
export type Encoder = { readonly network: Network; readonly weights: Weights };

/**
 * The embeddings of a batch, each of length 1. Differentiable in the batch and in weights that are variables.
 *
 * @param batch  [n, ...inputShape]; images scaled to [0, 1]
 * @returns [n, dimension]
 */
export function embed({ network, weights }: Encoder, batch: tf.Tensor): tf.Tensor2D {
  return normalise(network.forward(weights, batch));
}

/** y = x r with r = 1/‖x‖ by row; a constant keeps it finite at 0. Its gradient is r (dy − y Σ dy y). */
export function normalise(x: tf.Tensor2D): tf.Tensor2D {
  return withGradient(
    x,
    (input) => {
      const scale = tf.rsqrt(tf.add(tf.sum(tf.square(input), 1, true), 1e-12));
      return { value: tf.mul(input, scale), scale };
    },
    (dy, { value: y, scale }) => tf.mul(tf.sub(dy, tf.mul(y, tf.sum(tf.mul(dy, y), 1, true))), scale),
  );
}

/**
 * Raw inputs as a batch: bytes are scaled to [0, 1], vectors are taken as they are.
 *
 * @param inputs  [count × inputShape]
 */
export function batchOf(inputs: Uint8Array | Float32Array, shape: readonly number[]): tf.Tensor {
  const size = elements(shape);
  if (inputs.length % size !== 0) throw new RangeError(`${inputs.length} numbers are no batch of ${shape.join("×")}`);
  const scaled = inputs instanceof Uint8Array ? scaledBytes(inputs) : inputs;
  return tf.tensor(scaled, [inputs.length / size, ...shape]);
}

/** Bytes to [0, 1]. A loop: with a callback `Float32Array.from` takes thirty times as long. */
export function scaledBytes(bytes: Uint8Array): Float32Array {
  const scaled = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) scaled[i] = (bytes[i] ?? 0) / 255;
  return scaled;
}

/**
 * Embeds any number of raw inputs, batch after batch.
 *
 * @returns [count × dimension]
 */
export function embedAll(encoder: Encoder, inputs: Uint8Array | Float32Array, batchSize = 256): Float32Array {
  const { inputShape, dimension } = encoder.network;
  const size = elements(inputShape);
  const count = inputs.length / size;
  const embeddings = new Float32Array(count * dimension);
  for (let from = 0; from < count; from += batchSize) {
    const part = inputs.subarray(from * size, Math.min(count, from + batchSize) * size);
    const vectors = tf.tidy(() => embed(encoder, batchOf(part, inputShape)));
    embeddings.set(vectors.dataSync<"float32">(), from * dimension);
    vectors.dispose();
  }
  return embeddings;
}

/** Fresh weights, drawn from the seed's stream in the order of the parameters. */
export function initialWeights(network: Network, random: Random): Weights {
  const weights: Record<string, tf.Tensor> = {};
  for (const parameter of network.parameters) {
    const { initial } = parameter;
    const shape = heldShape(parameter);
    const values = Float32Array.from({ length: elements(shape) }, () =>
      initial.kind === "Normal" ? initial.deviation * random.gaussian() : initial.value,
    );
    weights[parameter.name] = tf.tensor(values, shape);
  }
  return weights;
}

export function disposeWeights(weights: Weights): void {
  for (const weight of Object.values(weights)) weight.dispose();
}
