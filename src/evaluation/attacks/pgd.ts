import * as tf from "@tensorflow/tfjs";
import type { Random } from "../../monitor/index.ts";
import { ascent, project, randomPoint } from "./ball.ts";
import { better, type Found, lossAndGradient, lossOf, type Problem } from "./gradient.ts";

/** One step of the whole radius from the input itself (Goodfellow, Shlens and Szegedy 2015). */
export function fgsm({ loss, clean, ball }: Problem): Found {
  const { gradient } = lossAndGradient(loss, clean);
  const inputs = tf.tidy(() => project(tf.add(clean, tf.mul(ascent(gradient, ball), ball.epsilon)), clean, ball));
  gradient.dispose();
  return { inputs, losses: lossOf(loss, inputs) };
}

/**
 * Projected gradient ascent from a random point (Madry et al. 2018), step 2.5 · epsilon / steps so that the whole ball is
 * in reach. Keeps the best of all restarts.
 */
export function pgd(problem: Problem, steps: number, random: Random, restarts = 1): Found {
  let best: Found | undefined;
  for (let restart = 0; restart < restarts; restart++) {
    const found = once(problem, steps, random);
    best = best ? better(best, found) : found;
  }
  return best ?? fgsm(problem);
}

function once({ loss, clean, ball }: Problem, steps: number, random: Random): Found {
  const stepSize = (2.5 * ball.epsilon) / steps;
  let inputs = randomPoint(clean, ball, random);
  for (let step = 0; step < steps; step++) {
    const { gradient } = lossAndGradient(loss, inputs);
    const next = tf.tidy(() => project(tf.add(inputs, tf.mul(ascent(gradient, ball), stepSize)), clean, ball));
    tf.dispose([inputs, gradient]);
    inputs = next;
  }
  return { inputs, losses: lossOf(loss, inputs) };
}
