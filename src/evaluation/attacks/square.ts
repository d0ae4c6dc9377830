import * as tf from "@tensorflow/tfjs";
import type { Random } from "../../monitor/index.ts";
import type { Ball } from "./ball.ts";
import { type Found, lossOf, type Problem } from "./gradient.ts";

/** Share of coordinates that a window covers first. */
const initialShare = 0.8;
/** Queries of a run of 10,000 after which the share is halved. */
const halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/**
 * Square attack (Andriushchenko et al. 2020), which sees losses and no gradients: a random window of the input is set to
 * a corner of the ball, and kept when the loss rises. It tells a robust model from one that only hides its gradients.
 * Images get square windows after vertical stripes, vectors get runs of coordinates.
 *
 * Only for Linf.
 *
 * @param shape    of one input, [h, w, c] or [d]
 * @param queries  forward passes an input
 */
export function square(
  { loss, clean, ball }: Problem,
  shape: readonly number[],
  queries: number,
  random: Random,
): Found {
  const [n, d] = clean.shape;
  const originals = clean.dataSync<"float32">();
  const changed = stripes(originals, n, shape, ball, random);
  let losses = lossesOf(changed);
  for (let query = 1; query < queries; query++) {
    const share = initialShare / 2 ** halvings.filter((at) => (query * 10_000) / queries > at).length;
    const proposal = changed.slice();
    for (let i = 0; i < n; i++) {
      paintWindow(
        proposal.subarray(i * d, (i + 1) * d),
        originals.subarray(i * d, (i + 1) * d),
        shape,
        share,
        ball,
        random,
      );
    }
    const found = lossesOf(proposal);
    losses = losses.map((value, i) => {
      const fresh = found[i] ?? value;
      if (fresh <= value) return value;
      changed.set(proposal.subarray(i * d, (i + 1) * d), i * d);
      return fresh;
    });
  }
  return { inputs: tf.tensor2d(changed, [n, d]), losses };

  function lossesOf(values: Float32Array): Float32Array {
    const inputs = tf.tensor2d(values, [n, d]);
    const found = lossOf(loss, inputs);
    inputs.dispose();
    return found;
  }
}

function stripes(
  originals: Float32Array,
  n: number,
  shape: readonly number[],
  ball: Ball,
  random: Random,
): Float32Array {
  const [, width = 1, channels = 1] = shape.length === 3 ? shape : [1, ...shape];
  const changed = originals.slice();
  const d = originals.length / n;
  for (let i = 0; i < n; i++) {
    const signs = Array.from({ length: width * channels }, () => (random.uniform() < 0.5 ? -1 : 1));
    for (let j = 0; j < d; j++)
      changed[i * d + j] = corner(originals[i * d + j] ?? 0, j, signs[j % signs.length] ?? 1, ball);
  }
  return changed;
}

function paintWindow(
  pixels: Float32Array,
  original: Float32Array,
  shape: readonly number[],
  share: number,
  ball: Ball,
  random: Random,
): void {
  const [height = 1, width = 1, channels = 1] = shape.length === 3 ? shape : [1, ...shape];
  const across = height === 1 ? Math.max(1, Math.round(share * width)) : Math.round(Math.sqrt(share * height * width));
  const side = Math.min(width, Math.max(1, across));
  const tall = Math.min(height, side);
  const top = random.integer(height - tall + 1);
  const left = random.integer(width - side + 1);
  const signs = Array.from({ length: channels }, () => (random.uniform() < 0.5 ? -1 : 1));
  for (let y = top; y < top + tall; y++) {
    for (let x = left; x < left + side; x++) {
      for (let c = 0; c < channels; c++) {
        const at = (y * width + x) * channels + c;
        pixels[at] = corner(original[at] ?? 0, at, signs[c] ?? 1, ball);
      }
    }
  }
}

function corner(value: number, coordinate: number, sign: number, ball: Ball): number {
  const moved = value + sign * ball.epsilon * (ball.scales?.[coordinate] ?? 1);
  return ball.bounded ? Math.min(1, Math.max(0, moved)) : moved;
}
