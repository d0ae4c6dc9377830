import * as tf from "@tensorflow/tfjs";

/** y = f(x), which is x or x moved, times a scale for each row. */
type Scaled<Value = tf.Tensor> = { readonly value: Value; readonly scale: tf.Tensor };

/**
 * A function whose gradient is written out in its value and its scale: derived operation by operation, that of a
 * normalisation takes four times as many kernels, which are most of an attack's step.
 *
 * @param gradient  of the loss with respect to x, from the one with respect to y
 */
export function withGradient<Shape extends tf.Tensor>(
  x: Shape,
  compute: (x: tf.Tensor) => Scaled<Shape>,
  gradient: (dy: tf.Tensor, y: Scaled) => tf.Tensor,
): Shape {
  const custom = tf.customGrad((input, save) => {
    if (!(input instanceof tf.Tensor) || typeof save !== "function") throw new TypeError("a tensor and a place for it");
    const { value, scale } = compute(input);
    save([value, scale]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [kept = value, keptScale = scale]: tf.Tensor[]) =>
        gradient(dy, { value: kept, scale: keptScale }),
    };
  });
  return custom(x);
}
