import * as tf from "@tensorflow/tfjs";
import type { Random } from "../monitor/index.ts";
import type { AdversarialFamily } from "./perturbations/index.ts";

export type Attack = {
  readonly family: AdversarialFamily;
  /** in the family's unit */
  readonly radius: number;
  readonly steps: number;
  readonly stepSize: number;
};

/**
 * Projected gradient ascent (Madry et al. 2018) from a random start in the ball; one step of the
 * whole radius is FGSM with a random start (Wong, Rice and Kolter 2020).
 *
 * @param objective  what the attacker makes large; a sum over inputs, so that each has its own gradient
 * @returns the attacked batch
 */
export function attack(
  { family, radius, steps, stepSize }: Attack,
  inputs: tf.Tensor,
  objective: (batch: tf.Tensor) => tf.Scalar,
  random: Random,
): tf.Tensor {
  return tf.tidy(() => {
    let change = family.start(inputs.shape, radius, random);
    // A step of size 0 brings the start into what is a valid input.
    change = family.step(inputs, change, tf.zerosLike(inputs), 0, radius);
    const gradient = tf.grad(objective);
    for (let step = 0; step < steps; step++) {
      const before = change;
      change = tf.tidy(() => family.step(inputs, before, gradient(tf.add(inputs, before)), stepSize, radius));
      before.dispose();
    }
    return tf.add(inputs, change);
  });
}
