import * as tf from "@tensorflow/tfjs";
import type { Parameter, Weights } from "../network.ts";
import { withGradient } from "../with-gradient.ts";

/** x W + b over the last axis. @param x [n, in] */
export function linear(weights: Weights, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return tf.add(tf.matMul(x, weightOf(weights, `${name}.weight`)), weightOf(weights, `${name}.bias`));
}

/** (x − mean) / √(variance + ε) · γ + β over the last axis (Ba, Kiros and Hinton 2016). */
export function layerNorm<Rank extends tf.Tensor>(weights: Weights, name: string, x: Rank, epsilon: number): Rank {
  const scaled = standardised(x, epsilon);
  return tf.add(tf.mul(scaled, weightOf(weights, `${name}.weight`)), weightOf(weights, `${name}.bias`));
}

/** z = (x − mean) r with r = 1/√(variance + ε), over the last axis; its gradient is r (dz − mean(dz) − z mean(dz z)). */
function standardised<Rank extends tf.Tensor>(x: Rank, epsilon: number): Rank {
  return withGradient(
    x,
    (input) => {
      const centred = tf.sub(input, tf.mean(input, -1, true));
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
      return { value: tf.mul(centred, scale), scale };
    },
    (dz, { value: z, scale }) => {
      const along = tf.mul(z, tf.mean(tf.mul(dz, z), -1, true));
      return tf.mul(tf.sub(tf.sub(dz, tf.mean(dz, -1, true)), along), scale);
    },
  );
}

/** x Φ(x), with the error function (Hendrycks and Gimpel 2016): what `transformers` calls "gelu". */
export function gelu<Rank extends tf.Tensor>(x: Rank): Rank {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

export function weightOf(weights: Weights, name: string): tf.Tensor {
  const weight = weights[name];
  if (!weight) throw new Error(`weight ${name} is missing`);
  return weight;
}

export function linearParameters(name: string, inputs: number, outputs: number, deviation: number): Parameter[] {
  return [
    {
      name: `${name}.weight`,
      shape: [outputs, inputs],
      layout: "Linear",
      trainable: true,
      initial: { kind: "Normal", deviation },
    },
    constant(`${name}.bias`, [outputs], 0),
  ];
}

export function layerNormParameters(name: string, size: number): Parameter[] {
  return [constant(`${name}.weight`, [size], 1), constant(`${name}.bias`, [size], 0)];
}

export function constant(name: string, shape: readonly number[], value: number, trainable = true): Parameter {
  return { name, shape, layout: "Same", trainable, initial: { kind: "Constant", value } };
}
