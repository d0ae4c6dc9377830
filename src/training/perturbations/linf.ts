import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { type AdversarialFamily, type InputSpace, signedUniforms } from "./family.ts";

/** ‖δ‖∞ ≤ ε with steps along the gradient's sign (Madry et al. 2018). Images stay in [0, 1]. */
export const linf = {
  name: "Linf",
  schema: z.object({ epsilon: z.number() }),
  build: ({ epsilon }: { epsilon: number }, space: InputSpace): AdversarialFamily => ({
    radius: epsilon,
    start: (shape, radius, random) =>
      tf.mul(tf.tensor(signedUniforms(tf.util.sizeFromShape([...shape]), random), [...shape]), radius),
    step: (inputs, change, gradient, stepSize, radius) => {
      const moved = tf.clipByValue(tf.add(change, tf.mul(tf.sign(gradient), stepSize)), -radius, radius);
      return space.modality === "Image" ? tf.sub(tf.clipByValue(tf.add(inputs, moved), 0, 1), inputs) : moved;
    },
  }),
} as const;
