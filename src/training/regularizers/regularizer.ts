import type * as tf from "@tensorflow/tfjs";

export type RegularizerInput = {
  /** f, inputs to embeddings */
  readonly encode: (batch: tf.Tensor) => tf.Tensor2D;
  /** [n, ...], the inputs of a view */
  readonly batch: tf.Tensor;
  /** [n, d], f(batch) */
  readonly embeddings: tf.Tensor2D;
  /** [n, ...], directions of length 1 in the input space */
  readonly directions: tf.Tensor;
};

/** @returns a penalty to be added to the loss, mean over the batch */
export type Regularizer = (input: RegularizerInput) => tf.Scalar;
