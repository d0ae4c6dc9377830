import * as tf from "@tensorflow/tfjs";

/** An encoder as an attacker uses it: [n, ...inputShape] to [n, d] of length 1, differentiable. */
export type Embed = (batch: tf.Tensor) => tf.Tensor2D;

/** What an attacker makes as large as possible, for each input: embeddings [n, d] to [n]. */
export type Objective = (embeddings: tf.Tensor2D) => tf.Tensor1D;

/** What objectives are built from. Tensors belong to whoever made them. */
export type Scene = {
  /** [C, d], of length 1: what an index offers for each class, or each document when there are pairs */
  readonly prototypes: tf.Tensor2D;
  /** [n]: the prototype that each input belongs to */
  readonly labels: tf.Tensor1D;
  /** [n, d]: embeddings of the unperturbed inputs */
  readonly clean: tf.Tensor2D;
  /** [n, d]: what each input shall be taken for */
  readonly targets: tf.Tensor2D;
};

/** Sharpness s of the prototype logits s · cos(f(x), prototype). */
export const sharpness = 10;

/** Cross-entropy of the prototype logits: away from the own class, wherever to. */
export function crossEntropy({ prototypes, labels }: Scene): Objective {
  return (embeddings) =>
    tf.tidy(() => {
      const logits = prototypeLogits(embeddings, prototypes);
      const own = tf.sum(tf.mul(logits, oneHot(labels, prototypes)), 1);
      return tf.sub<tf.Tensor1D>(logSumExp(logits), own);
    });
}

/** Largest other logit minus the own one (Carlini and Wagner 2017): above 0 where the nearest prototype is another. */
export function margin({ prototypes, labels }: Scene): Objective {
  return (embeddings) =>
    tf.tidy(() => {
      const logits = prototypeLogits(embeddings, prototypes);
      const hot = oneHot(labels, prototypes);
      const own = tf.sum(tf.mul(logits, hot), 1);
      return tf.sub<tf.Tensor1D>(tf.max(tf.sub(logits, tf.mul(hot, 1e4)), 1), own);
    });
}

/** 1 − cos(f(x'), f(x)): away from where the input was. Needs no labels. */
export function displacement({ clean }: Scene): Objective {
  return (embeddings) => tf.sub<tf.Tensor1D>(1, tf.sum(tf.mul(embeddings, clean), 1));
}

/** cos(f(x'), target): to be taken for another item of the index. */
export function impersonation({ targets }: Scene): Objective {
  return (embeddings) => tf.sum<tf.Tensor1D>(tf.mul(embeddings, targets), 1);
}

export function prototypeLogits(embeddings: tf.Tensor2D, prototypes: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(tf.matMul(embeddings, tf.transpose(prototypes)), sharpness);
}

function oneHot(labels: tf.Tensor1D, prototypes: tf.Tensor2D): tf.Tensor2D {
  return tf.oneHot(tf.cast(labels, "int32"), prototypes.shape[0]).as2D(labels.size, prototypes.shape[0]).toFloat();
}

/** Written out: tf.logSumExp has no second use here and its gradient holds more tensors. */
function logSumExp(logits: tf.Tensor2D): tf.Tensor1D {
  const most = tf.max(logits, 1, true);
  return tf.add(tf.log(tf.sum(tf.exp(tf.sub(logits, most)), 1)), tf.squeeze(most, [1]));
}
