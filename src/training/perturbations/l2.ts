import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { type AdversarialFamily, type InputSpace, signedUniforms } from "./family.ts";

/** ‖δ‖₂ ≤ ε with steps along the normalised gradient (Madry et al. 2018). Images stay in [0, 1]. */
export const l2 = {
  name: "L2",
  schema: z.object({ epsilon: z.number() }),
  build: ({ epsilon }: { epsilon: number }, space: InputSpace): AdversarialFamily => ({
    radius: epsilon,
    start: (shape, radius, random) => {
      const drawn = tf.tensor(signedUniforms(tf.util.sizeFromShape([...shape]), random), [...shape]);
      return tf.mul(drawn, tf.mul(inverseNorms(drawn), radius * Math.sqrt(random.uniform())));
    },
    step: (inputs, change, gradient, stepSize, radius) => {
      const moved = tf.add(change, tf.mul(gradient, tf.mul(inverseNorms(gradient), stepSize)));
      const inside = tf.mul(moved, tf.minimum(tf.mul(inverseNorms(moved), radius), 1));
      return space.modality === "Image" ? tf.sub(tf.clipByValue(tf.add(inputs, inside), 0, 1), inputs) : inside;
    },
  }),
} as const;

/** 1/‖x‖ by row, [n, 1, …] */
function inverseNorms(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis).slice(1);
  return tf.rsqrt(tf.add(tf.sum(tf.square(x), axes, true), 1e-24));
}
