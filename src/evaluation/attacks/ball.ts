import * as tf from "@tensorflow/tfjs";
import type { Perturbation } from "../../api/index.ts";
import type { Random } from "../../monitor/index.ts";

/** How far an attacker may change an input: the ball around it that perturbed inputs stay in. */
export type Ball = {
  readonly norm: "Linf" | "L2";
  readonly epsilon: number;
  /** radius of each coordinate as a multiple of epsilon, 0 where it cannot be changed; 1 for all when null */
  readonly scales: Float32Array | null;
  /** whether inputs stay in [0, 1], as images do */
  readonly bounded: boolean;
};

/**
 * The ball of a family of the threat model, null for families that are not attacks.
 *
 * @param deviations  standard deviation of each coordinate, for VectorBox
 */
export function ballOf(perturbation: Perturbation, bounded: boolean, deviations: Float32Array): Ball | null {
  const { family, kind, epsilon = 0, immutable = [] } = perturbation;
  if (kind !== "Adversarial" || !(epsilon > 0)) return null;
  switch (family) {
    case "Linf":
    case "L2":
      return { norm: family, epsilon, scales: null, bounded };
    case "VectorBox": {
      const scales = deviations.slice();
      for (const coordinate of immutable) if (coordinate < scales.length) scales[coordinate] = 0;
      return { norm: "Linf", epsilon, scales, bounded };
    }
    case "PixelNoise":
    case "Geometric":
    case "Stroke":
    case "Photometric":
      return null;
    default:
      return family satisfies never;
  }
}

/** The same ball, `factor` times as large. */
export function resize(ball: Ball, factor: number): Ball {
  return { ...ball, epsilon: ball.epsilon * factor };
}

/**
 * The point of the ball around `clean` that is nearest to `perturbed` (for L2 with bounds: nearest in the ball, then
 * clipped, as attacks do).
 *
 * @param perturbed  [n, D]
 * @param clean      [n, D]
 */
export function project(perturbed: tf.Tensor2D, clean: tf.Tensor2D, ball: Ball): tf.Tensor2D {
  return tf.tidy(() => {
    const change = tf.sub<tf.Tensor2D>(perturbed, clean);
    const inside: tf.Tensor2D =
      ball.norm === "Linf"
        ? tf.minimum(tf.maximum(change, tf.neg(radius(ball))), radius(ball))
        : tf.mul(change, tf.minimum(1, tf.div(ball.epsilon, tf.add(lengths(change), 1e-12))));
    const moved = tf.add<tf.Tensor2D>(clean, inside);
    return ball.bounded ? tf.clipByValue(moved, 0, 1) : moved;
  });
}

/**
 * Unit step of steepest ascent: the sign for Linf, the normalised gradient for L2; epsilon times it spans the ball.
 *
 * @param gradient  [n, D]
 */
export function ascent(gradient: tf.Tensor2D, ball: Ball): tf.Tensor2D {
  return tf.tidy(() => {
    if (ball.norm === "L2") return tf.div<tf.Tensor2D>(gradient, tf.add(lengths(gradient), 1e-12));
    return ball.scales ? tf.mul<tf.Tensor2D>(tf.sign(gradient), tf.tensor1d(ball.scales)) : tf.sign(gradient);
  });
}

/** A random point of the ball around each input. */
export function randomPoint(clean: tf.Tensor2D, ball: Ball, random: Random): tf.Tensor2D {
  return tf.tidy(() => {
    const [n, d] = clean.shape;
    const uniform = ball.norm === "Linf";
    const noise = Float32Array.from({ length: n * d }, () => (uniform ? 2 * random.uniform() - 1 : random.gaussian()));
    const direction = tf.tensor2d(noise, [n, d]);
    const change: tf.Tensor2D = uniform
      ? tf.mul(direction, radius(ball))
      : tf.mul(tf.div(direction, lengths(direction)), ball.epsilon * Math.sqrt(random.uniform()));
    return project(tf.add(clean, change), clean, ball);
  });
}

function radius(ball: Ball): tf.Tensor {
  return ball.scales ? tf.mul(tf.tensor1d(ball.scales), ball.epsilon) : tf.scalar(ball.epsilon);
}

/** Euclidean length of each row, [n, 1]. */
function lengths(x: tf.Tensor2D): tf.Tensor {
  return tf.sqrt(tf.sum(tf.square(x), 1, true));
}
