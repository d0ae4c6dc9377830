import * as tf from "@tensorflow/tfjs";
import { batchOf, type Encoder, embed } from "../../model/index.ts";
import { type Random, type Squeezer, seededRandom } from "../../monitor/index.ts";
import { apgd } from "./apgd.ts";
import { type Ball, project } from "./ball.ts";
import { displacement, type Embed, impersonation } from "./objectives.ts";
import { type Target, throughSqueezers } from "./suite.ts";

export type CraftOptions = {
  readonly norm?: Ball["norm"];
  /** on inputs scaled to [0, 1] for images, on raw numbers for vectors */
  readonly epsilon: number;
  readonly steps?: number;
  readonly seed: number;
  /** what each input shall be taken for, [n × d] of length 1; without it inputs are moved away from themselves */
  readonly targets?: Float32Array;
  /** an attacker who knows the consistency probe: the same is asked of each input's squeezed copies; default none */
  readonly squeezers?: readonly Squeezer[];
  readonly onProgress?: (share: number) => void;
};

const batchSize = 256;

/**
 * Adversarial inputs against an encoder whose weights are known: label-free displacement, or impersonation of targets.
 * Images come back as bytes, rounded towards the original so that the budget holds for what is really sent.
 *
 * @param inputs  [n × inputShape], bytes for images
 */
export function craftAttacks<Inputs extends Uint8Array | Float32Array>(
  encoder: Encoder,
  inputs: Inputs,
  options: CraftOptions,
): Inputs {
  const { inputShape, dimension } = encoder.network;
  const size = inputShape.reduce((product, side) => product * side, 1);
  const n = inputs.length / size;
  const random = seededRandom(options.seed);
  const crafted = inputs.slice();
  for (let from = 0; from < n; from += batchSize) {
    const to = Math.min(n, from + batchSize);
    const part = inputs.subarray(from * size, to * size);
    const targets = options.targets?.subarray(from * dimension, to * dimension);
    const found = craftBatch((batch) => embed(encoder, batch), part, inputShape, targets, options, random);
    crafted.set(part instanceof Uint8Array ? roundInwards(found, part) : found, from * size);
    options.onProgress?.(to / n);
  }
  return asLike(inputs, crafted);
}

function asLike<Inputs extends Uint8Array | Float32Array>(like: Inputs, values: Uint8Array | Float32Array): Inputs;
function asLike(_: Uint8Array | Float32Array, values: Uint8Array | Float32Array): Uint8Array | Float32Array {
  return values;
}

function craftBatch(
  embedding: Embed,
  part: Uint8Array | Float32Array,
  shape: readonly number[],
  targets: Float32Array | undefined,
  { norm = "Linf", epsilon, steps = 40, squeezers = [] }: CraftOptions,
  random: Random,
): Float32Array {
  const batch = batchOf(part, shape);
  const n = batch.shape[0] ?? 0;
  const clean = batch.as2D(n, part.length / n);
  const origin = tf.tidy(() => embedding(batch));
  const none = tf.zerosLike(origin);
  const wanted = targets ? tf.tensor2d(targets, origin.shape) : none;
  const labels = tf.zeros<tf.Rank.R1>([n], "int32");
  const ball: Ball = { norm, epsilon, scales: null, bounded: part instanceof Uint8Array };
  const scene = { prototypes: none, labels, clean: origin, targets: wanted };
  const target: Target = {
    embed: embedding,
    shape,
    scene,
    ball,
    squeezers,
    budget: { steps, restarts: 1, queries: 0 },
  };
  const loss = throughSqueezers(target, targets ? impersonation(scene) : displacement(scene));
  // Each step goes through every squeezer.
  const found = apgd({ clean, ball, loss }, Math.ceil(steps / (1 + squeezers.length)), random);
  const inside = project(found.inputs, clean, ball);
  const values = inside.dataSync<"float32">();
  tf.dispose([batch, clean, origin, none, wanted, labels, found.inputs, inside]);
  return values;
}

/** The 8-bit value next to the perturbed one on the original's side. */
function roundInwards(found: Float32Array, original: Uint8Array): Uint8Array {
  return original.map((value, i) => {
    const scaled = (found[i] ?? 0) * 255;
    // A value that is whole but for rounding errors stays itself.
    return scaled > value ? Math.floor(scaled + 1e-3) : Math.ceil(scaled - 1e-3);
  });
}
