import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { type AdversarialFamily, type BenignFamily, type InputSpace, signedUniforms } from "./family.ts";

type Options = { epsilon: number; immutable: readonly number[] };

/**
 * |δⱼ| ≤ ε σⱼ, where σⱼ is the coordinate's standard deviation over the reference data, and δⱼ = 0 for coordinates that
 * nobody can change.
 */
export const vectorBox = {
  name: "VectorBox",
  schema: z.object({ epsilon: z.number(), immutable: z.array(z.int().min(0)).default([]) }),
  buildBenign(options: Options, space: InputSpace): BenignFamily {
    const sides = boxSides(options, space);
    return (input, strength, random) =>
      input.map((value, j) => value + strength * options.epsilon * (sides[j] ?? 0) * (2 * random.uniform() - 1));
  },
  buildAdversarial(options: Options, space: InputSpace): AdversarialFamily {
    const sides = boxSides(options, space);
    return {
      radius: options.epsilon,
      start: (shape, radius, random) =>
        tf.mul(
          tf.tensor(signedUniforms(tf.util.sizeFromShape([...shape]), random), [...shape]),
          tf.mul(tf.tensor1d(sides), radius),
        ),
      step: (_, change, gradient, stepSize, radius) => {
        const side = tf.tensor1d(sides);
        const bound = tf.mul(side, radius);
        const moved = tf.add(change, tf.mul(tf.mul(tf.sign(gradient), side), stepSize));
        return tf.minimum(tf.maximum(moved, tf.neg(bound)), bound);
      },
    };
  },
} as const;

function boxSides({ immutable }: Options, { shape: [d = 0], deviations }: InputSpace): Float32Array {
  const outside = immutable.find((j) => j >= d);
  if (outside !== undefined) throw new RangeError(`immutable: coordinate ${outside} is outside the vector's ${d}`);
  if (deviations?.length !== d) throw new RangeError(`VectorBox needs the standard deviation of all ${d} coordinates`);
  const sides = deviations.slice();
  for (const j of immutable) sides[j] = 0;
  return sides;
}
