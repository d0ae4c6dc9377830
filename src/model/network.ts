import type * as tf from "@tensorflow/tfjs";
import type { BundleDescription } from "../registry/index.ts";

/** Tensors by their name in `model.safetensors`, in the layout of the forward pass. */
export type Weights = Readonly<Record<string, tf.Tensor>>;

/** A tensor of a network: how it is stored, held and first drawn. */
export type Parameter = {
  readonly name: string;
  /** as stored, in the ecosystem's own layout */
  readonly shape: readonly number[];
  /**
   * - Same: held as it is stored
   * - Linear: stored [out, in] as torch does, held [in, out], because products with transposed operands are slow
   * - Patches: stored [out, channels, side, side], held [side × side × channels, out]: a convolution whose stride is its
   *   kernel is a matrix product, and needs no convolution gradient, which wasm lacks
   */
  readonly layout: "Same" | "Linear" | "Patches";
  readonly trainable: boolean;
  readonly initial:
    | { readonly kind: "Constant"; readonly value: number }
    | { readonly kind: "Normal"; readonly deviation: number };
};

/** An encoder without its weights: a function of weights and inputs, and what it expects of both. */
export type Network = {
  readonly architecture: BundleDescription["architecture"];
  /** content of `config.json` */
  readonly config: Readonly<Record<string, unknown>>;
  /** of one input: [height, width, channels], or [d] */
  readonly inputShape: readonly number[];
  /** numbers in an embedding */
  readonly dimension: number;
  readonly parameters: readonly Parameter[];
  /**
   * @param batch  [n, ...inputShape]; images scaled to [0, 1]
   * @returns [n, dimension], not normalised
   */
  readonly forward: (weights: Weights, batch: tf.Tensor) => tf.Tensor2D;
};

/** @returns the shape in which a parameter is held */
export function heldShape({ shape, layout }: Parameter): number[] {
  const [out = 0, ...rest] = shape;
  return layout === "Same" ? [...shape] : [rest.reduce((product, side) => product * side, 1), out];
}
