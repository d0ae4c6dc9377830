import * as tf from "@tensorflow/tfjs";
import type { Squeezer } from "../../monitor/index.ts";

type Map2D = (inputs: tf.Tensor2D) => tf.Tensor2D;

/**
 * A squeezer as an attacker goes through it: the values of the gateway's own (`src/monitor/squeezers.ts`), and a
 * gradient where that has none (backward pass differentiable approximation, Athalye, Carlini and Wagner 2018): BitDepth
 * and Quantise go straight through, BoxBlur is the linear map that it is but for its rounding, Median is differentiated
 * as that blur.
 *
 * @param shape  of one input, [h, w, c] or [d]
 * @returns a function of flat inputs [n, D]; images scaled to [0, 1]
 */
export function squeezeTensor(squeezer: Squeezer, shape: readonly number[]): Map2D {
  const same: Map2D = (x) => x;
  const smooth = onImages(shape, blur);
  switch (squeezer) {
    case "BitDepth":
      return straightThrough(same, (x) => tf.cast(tf.greaterEqual(toBytes(x), 128), "float32"));
    case "BoxBlur":
      return straightThrough(smooth, (x) => tf.div(tf.round(smooth(toBytes(x))), 255));
    case "Median":
      return straightThrough(smooth, (x) => tf.div(onImages(shape, median)(toBytes(x)), 255));
    case "Quantise":
      return straightThrough(same, quantise);
    default:
      return squeezer satisfies never;
  }
}

/** The value of `exact` with the gradient of `smooth`. Ops within a custom gradient are not differentiated. */
function straightThrough(smooth: Map2D, exact: Map2D): Map2D {
  return (x) => {
    const rest = tf.customGrad((...inputs) => {
      const value = tf.sub<tf.Tensor2D>(exact(x), smooth(x));
      return {
        value,
        gradFunc: () => inputs.flatMap((input) => (input instanceof tf.Tensor ? [tf.zerosLike(x)] : [])),
      };
    });
    return tf.add(smooth(x), rest(x));
  };
}

/** What arrives at the gateway: the nearest 8-bit value. */
function toBytes(x: tf.Tensor2D): tf.Tensor2D {
  return tf.round(tf.mul(tf.clipByValue(x, 0, 1), 255));
}

function onImages(shape: readonly number[], map: (images: tf.Tensor4D) => tf.Tensor4D): Map2D {
  const [height = 1, width = 1, channels = 1] = shape;
  return (x) => map(x.as4D(x.shape[0], height, width, channels)).as2D(...x.shape);
}

/** 3 × 3 mean, edges repeated. */
function blur(images: tf.Tensor4D): tf.Tensor4D {
  const down = tf.div<tf.Tensor4D>(tf.addN(shifts(images, 1)), 3);
  return tf.div(tf.addN(shifts(down, 2)), 3);
}

/** Exchanges that leave the median of nine values in place 4 (Smith 1996): a sixth of the time that tf.topk takes. */
const exchanges = [
  [1, 2],
  [4, 5],
  [7, 8],
  [0, 1],
  [3, 4],
  [6, 7],
  [1, 2],
  [4, 5],
  [7, 8],
  [0, 3],
  [5, 8],
  [4, 7],
  [3, 6],
  [1, 4],
  [2, 5],
  [4, 7],
  [4, 2],
  [6, 4],
  [4, 2],
] as const;

/** 3 × 3 median, edges repeated. */
function median(images: tf.Tensor4D): tf.Tensor4D {
  const values = shifts(images, 1).flatMap((rows) => shifts(rows, 2));
  for (const [low, high] of exchanges) {
    const [a = images, b = images] = [values[low], values[high]];
    values[low] = tf.minimum(a, b);
    values[high] = tf.maximum(a, b);
  }
  return values[4] ?? images;
}

/** An image, and it moved by one to either side along an axis. */
function shifts(images: tf.Tensor4D, axis: 1 | 2): tf.Tensor4D[] {
  const size = images.shape[axis];
  if (size < 2) return [images, images, images];
  const part = (from: number, length: number): tf.Tensor4D => {
    const begin = [0, 0, 0, 0];
    const extent = [-1, -1, -1, -1];
    begin[axis] = from;
    extent[axis] = length;
    return tf.slice(images, begin, extent);
  };
  return [
    tf.concat([part(0, 1), part(0, size - 1)], axis),
    images,
    tf.concat([part(1, size - 1), part(size - 1, 1)], axis),
  ];
}

/** Rounded to multiples of a quarter of the vector's root mean square. */
function quantise(x: tf.Tensor2D): tf.Tensor2D {
  const step = tf.add(tf.div(tf.sqrt(tf.mean(tf.square(x), 1, true)), 4), 1e-30);
  return tf.mul(tf.round(tf.div(x, step)), step);
}
