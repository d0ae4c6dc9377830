import * as tf from "@tensorflow/tfjs";
import type { Ball } from "./ball.ts";

/** The loss of each input, [n, D] to [n]: an objective after the encoder. Larger is better for the attacker. */
export type Loss = (inputs: tf.Tensor2D) => tf.Tensor1D;

/** An attack's search: the loss, the inputs it starts from, and the ball it stays in. */
export type Problem = { readonly loss: Loss; readonly clean: tf.Tensor2D; readonly ball: Ball };

/** What a search found: the inputs and the loss of each. The tensor is the caller's to dispose. */
export type Found = { readonly inputs: tf.Tensor2D; readonly losses: Float32Array };

/**
 * Loss and gradient of each input in one pass. The sum's gradient is each row's own, as rows do not mix.
 *
 * @returns tensors of the caller
 */
export function lossAndGradient(loss: Loss, inputs: tf.Tensor2D): { losses: Float32Array; gradient: tf.Tensor2D } {
  let rows: tf.Tensor1D | undefined;
  const gradient = tf.tidy((): tf.Tensor2D => {
    const { grad } = tf.valueAndGrad((x: tf.Tensor) => {
      const losses = loss(x.as2D(...inputs.shape));
      rows = tf.keep(tf.clone(losses));
      return tf.sum(losses);
    })(inputs);
    return grad.as2D(...inputs.shape);
  });
  const losses = rows?.dataSync<"float32">() ?? new Float32Array();
  rows?.dispose();
  return { losses, gradient };
}

/** The loss of each input, without a gradient. */
export function lossOf(loss: Loss, inputs: tf.Tensor2D): Float32Array {
  const losses = tf.tidy(() => loss(inputs));
  const values = losses.dataSync<"float32">();
  losses.dispose();
  return values;
}

/** Rows of `fresh` where chosen, of `old` elsewhere. */
export function choose(chosen: readonly boolean[], fresh: tf.Tensor2D, old: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const mask = tf.tensor2d(Uint8Array.from(chosen, Number), [chosen.length, 1], "bool");
    return tf.where(mask, fresh, old);
  });
}

/** Better of two finds, row by row; both are disposed. */
export function better(a: Found, b: Found): Found {
  const fresh = Array.from(b.losses, (loss, i) => loss > (a.losses[i] ?? -Infinity));
  const inputs = choose(fresh, b.inputs, a.inputs);
  const losses = a.losses.map((loss, i) => (fresh[i] ? (b.losses[i] ?? loss) : loss));
  a.inputs.dispose();
  b.inputs.dispose();
  return { inputs, losses };
}
