import * as tf from "@tensorflow/tfjs";
import { scaledBytes } from "../model/index.ts";
import { type Dataset, elements } from "../registry/index.ts";

/** Inputs as training needs them: scaled numbers in memory, batches as tensors. */
export type TrainingData = {
  readonly count: number;
  /** of one input */
  readonly shape: readonly number[];
  /** numbers in an input */
  readonly size: number;
  /** [count × size], images scaled to [0, 1] */
  readonly inputs: Float32Array;
  /** [count], 0 to classes − 1 */
  readonly labels?: Int32Array;
  readonly classes: number;
};

export function trainingData(dataset: Dataset): TrainingData {
  const inputs = dataset.modality === "Image" ? scaledBytes(dataset.inputs) : dataset.inputs;
  const { count, shape, labels } = dataset;
  const classes = labels ? labels.reduce((most, label) => Math.max(most, label + 1), 0) : 0;
  return { count, shape, size: elements(shape), inputs, classes, ...(labels && { labels }) };
}

/** [rows × size] */
export function gatherInputs({ inputs, size }: TrainingData, rows: Int32Array): Float32Array {
  return gatherRows(inputs, size, rows);
}

export function gatherRows(from: Float32Array, width: number, rows: Int32Array): Float32Array {
  const gathered = new Float32Array(rows.length * width);
  rows.forEach((row, i) => gathered.set(from.subarray(row * width, (row + 1) * width), i * width));
  return gathered;
}

/** [rows, ...shape] */
export function tensorOf({ shape, size }: Pick<TrainingData, "shape" | "size">, inputs: Float32Array): tf.Tensor {
  return tf.tensor(inputs, [inputs.length / size, ...shape]);
}

/** [rows, classes], null without labels */
export function oneHotLabels({ labels, classes }: TrainingData, rows: Int32Array): tf.Tensor2D | null {
  if (!labels) return null;
  const hot = new Float32Array(rows.length * classes);
  rows.forEach((row, i) => {
    hot[i * classes + (labels[row] ?? 0)] = 1;
  });
  return tf.tensor2d(hot, [rows.length, classes]);
}

/** Standard deviation of each coordinate; a coordinate that never changes has 1. */
export function deviationsOf({ inputs, size, count }: Pick<TrainingData, "inputs" | "size" | "count">): {
  means: Float32Array;
  deviations: Float32Array;
} {
  const sums = new Float64Array(size);
  const squares = new Float64Array(size);
  for (let i = 0; i < inputs.length; i++) {
    const j = i % size;
    const value = inputs[i] ?? 0;
    sums[j] = (sums[j] ?? 0) + value;
    squares[j] = (squares[j] ?? 0) + value * value;
  }
  const means = Float32Array.from(sums, (sum) => sum / count);
  const deviations = Float32Array.from(squares, (square, j) => {
    const variance = square / count - (means[j] ?? 0) ** 2;
    return variance > 1e-12 ? Math.sqrt(variance) : 1;
  });
  return { means, deviations };
}
