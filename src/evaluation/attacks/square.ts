import * as tf from "@tensorflow/tfjs";
import type { Random } from "../../monitor/index.ts";
import { type Found, lossOf, type Problem } from "./gradient.ts";
import { squareL2 } from "./square-l2.ts";
import { squareLinf } from "./square-linf.ts";

/** Share of places that a window covers first. */
const initialShare = 0.8;
/** Queries of a run of 10,000 after which the share is halved. */
const halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/**
 * Square attack (Andriushchenko et al. 2020, algorithm 1), which sees losses and no gradients: a random window of the
 * input is changed, and the change kept when the loss rises. It tells a robust model from one that only hides its gradients.
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
  const { start, propose } = ball.norm === "L2" ? squareL2(shape) : squareLinf(shape, ball);
  const row = (values: Float32Array, i: number): Float32Array => values.subarray(i * d, (i + 1) * d);
  const changed = originals.slice();
  for (let i = 0; i < n; i++) start(row(changed, i), row(originals, i), ball, random);
  let losses = lossesOf(changed);
  for (let query = 1; query < queries; query++) {
    const share = initialShare / 2 ** halvings.filter((at) => (query * 10_000) / queries > at).length;
    const proposal = changed.slice();
    for (let i = 0; i < n; i++) propose(row(proposal, i), row(originals, i), share, ball, random);
    const found = lossesOf(proposal);
    losses = losses.map((value, i) => {
      const fresh = found[i] ?? value;
      if (fresh <= value) return value;
      row(changed, i).set(row(proposal, i));
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
