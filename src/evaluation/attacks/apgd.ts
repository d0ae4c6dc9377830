import * as tf from "@tensorflow/tfjs";
import type { Random } from "../../monitor/index.ts";
import { ascent, project, randomPoint } from "./ball.ts";
import { choose, type Found, lossAndGradient, type Problem } from "./gradient.ts";

const momentum = 0.75;
const rho = 0.75;

/**
 * Steps at which the step size is looked at: p₀ = 0, p₁ = .22, pⱼ₊₁ = pⱼ + max(pⱼ − pⱼ₋₁ − .03, .06), times `steps`
 * (Croce and Hein 2020, section 3.3).
 */
export function checkpoints(steps: number): number[] {
  const shares = [0, 0.22];
  for (;;) {
    const [before = 0, last = 0] = shares.slice(-2);
    const next = last + Math.max(last - before - 0.03, 0.06);
    if (next >= 1) return shares.map((share) => Math.ceil(Math.max(0, share * steps - 1e-9)));
    shares.push(next);
  }
}

/**
 * Auto-PGD (Croce and Hein 2020, algorithm 1): no step size to tune. It begins at 2 · epsilon with momentum .75; at each
 * checkpoint it is halved, and the search goes back to its best point, for the inputs whose loss rose in fewer than 75 %
 * of the steps, or whose step size and best loss did not change since the last checkpoint.
 *
 * @returns the best point of each input's path
 */
export function apgd({ loss, clean, ball }: Problem, steps: number, random: Random): Found {
  const n = clean.shape[0];
  const marks = checkpoints(steps);
  const rows = Array.from({ length: n }, () => ({
    size: 2 * ball.epsilon,
    rises: 0,
    halved: false,
    atMark: -Infinity,
  }));
  let x = randomPoint(clean, ball, random);
  let previous = tf.clone(x);
  let { losses, gradient } = lossAndGradient(loss, x);
  let best: Point = { inputs: tf.clone(x), gradient: tf.clone(gradient), losses: losses.slice() };
  rows.forEach((row, i) => {
    row.atMark = best.losses[i] ?? -Infinity;
  });
  let lastMark = 0;

  for (let step = 1; step <= steps; step++) {
    const sizes = Float32Array.from(rows, ({ size }) => size);
    const next = tf.tidy(() => {
      const moved = project(tf.add(x, tf.mul(ascent(gradient, ball), tf.tensor2d(sizes, [n, 1]))), clean, ball);
      if (step === 1) return moved;
      const pushed = tf.add(tf.mul(tf.sub(moved, x), momentum), tf.mul(tf.sub(x, previous), 1 - momentum));
      return project(tf.add(x, pushed), clean, ball);
    });
    tf.dispose([previous, gradient]);
    previous = x;
    x = next;
    const before = losses;
    ({ losses, gradient } = lossAndGradient(loss, x));
    rows.forEach((row, i) => {
      if ((losses[i] ?? 0) > (before[i] ?? 0)) row.rises += 1;
    });
    best = improve(best, { inputs: x, gradient, losses });

    if (!marks.includes(step)) continue;
    const reset = rows.map((row, i) => {
      const now = best.losses[i] ?? -Infinity;
      const stuck = row.rises < rho * (step - lastMark) || (!row.halved && row.atMark === now);
      if (stuck) row.size /= 2;
      row.halved = stuck;
      row.rises = 0;
      row.atMark = now;
      return stuck;
    });
    lastMark = step;
    const back = choose(reset, best.inputs, x);
    const along = choose(reset, best.gradient, gradient);
    tf.dispose([x, gradient]);
    x = back;
    gradient = along;
    losses = losses.map((value, i) => (reset[i] ? (best.losses[i] ?? value) : value));
  }
  tf.dispose([x, previous, gradient, best.gradient]);
  return { inputs: best.inputs, losses: best.losses };
}

type Point = { inputs: tf.Tensor2D; gradient: tf.Tensor2D; losses: Float32Array };

function improve(best: Point, found: Point): Point {
  const rises = Array.from(found.losses, (value, i) => value > (best.losses[i] ?? -Infinity));
  if (!rises.includes(true)) return best;
  const inputs = choose(rises, found.inputs, best.inputs);
  const gradient = choose(rises, found.gradient, best.gradient);
  const losses = best.losses.map((value, i) => (rises[i] ? (found.losses[i] ?? value) : value));
  tf.dispose([best.inputs, best.gradient]);
  return { inputs, gradient, losses };
}
