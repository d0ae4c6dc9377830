import type * as tf from "@tensorflow/tfjs";

/** What an objective is a function of; each says what it needs. Embeddings have length 1. */
export type ObjectiveInput = {
  /** [n, d], of the view that is trained */
  readonly embeddings: tf.Tensor2D;
  /** [n, d], what each should be near: another view, or the anchor */
  readonly partners?: tf.Tensor2D;
  /** [classes, d], of length 1 */
  readonly prototypes?: tf.Tensor2D;
  /** [n, classes], one-hot */
  readonly labels?: tf.Tensor2D;
};

/** @returns a loss to be minimised, mean over the batch */
export type Objective = (input: ObjectiveInput) => tf.Scalar;

export function need<Value>(value: Value | undefined, objective: string, what: string): Value {
  if (value === undefined) throw new RangeError(`objective ${objective} needs ${what}`);
  return value;
}
