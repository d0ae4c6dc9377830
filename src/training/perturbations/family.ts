import type * as tf from "@tensorflow/tfjs";
import type { Random } from "../../monitor/index.ts";

/** What a family needs to know of the data it changes. */
export type InputSpace = {
  readonly modality: "Image" | "Vector";
  /** of one input: [height, width, channels] or [d] */
  readonly shape: readonly number[];
  /** standard deviation of each coordinate, vectors only */
  readonly deviations?: Float32Array;
};

/** A threat model is for another kind of data than it is used on. */
export class UnfitPerturbation extends Error {
  override readonly name = "UnfitPerturbation";
}

/**
 * Changes one input as the world would.
 *
 * @param input     images scaled to [0, 1], row by row, channels interleaved; or a vector. It is not changed.
 * @param strength  share of the family's budget, 0 to 1
 */
export type BenignFamily = (input: Float32Array, strength: number, random: Random) => Float32Array;

/** The ball of changes that an attacker may make. All changes are tensors of the batch's shape. */
export type AdversarialFamily = {
  /** how far a change may go at full strength, in the family's unit */
  readonly radius: number;
  /** A change drawn from the ball. @param shape of the batch, [n, ...] */
  readonly start: (shape: readonly number[], radius: number, random: Random) => tf.Tensor;
  /**
   * One step of steepest ascent, back into the ball and into what is a valid input.
   *
   * @param inputs    the batch that is attacked
   * @param change    the change so far
   * @param gradient  of the attacker's objective
   */
  readonly step: (
    inputs: tf.Tensor,
    change: tf.Tensor,
    gradient: tf.Tensor,
    stepSize: number,
    radius: number,
  ) => tf.Tensor;
};

/** Numbers in [−1, 1), drawn one after the other. */
export function signedUniforms(count: number, random: Random): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = random.uint32() / 2_147_483_648 - 1;
  return values;
}

export function clamp01(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}

/** @returns height, width and channels of an image's shape */
export function imageSides(shape: readonly number[]): [number, number, number] {
  const [height, width, channels] = shape;
  if (height === undefined || width === undefined || channels === undefined) {
    throw new RangeError(`shape [${shape.join(", ")}] is not that of an image: [height, width, channels]`);
  }
  return [height, width, channels];
}
