import * as tf from "@tensorflow/tfjs";
import { type Encoder, embed } from "../../model/index.ts";
import { type Curriculum, stepSizeOf } from "../curriculum.ts";
import { classPrototypes, effectiveRank, nearest } from "../measures.ts";
import { objectives } from "../objectives/index.ts";
import { type AdversarialFamily, type BenignFamily, composeBenign } from "../perturbations/index.ts";
import { attack } from "../pgd.ts";
import { stream } from "../streams.ts";
import type { Recipe } from "../trainer.ts";
import { gatherInputs, gatherRows, oneHotLabels, type TrainingData, tensorOf } from "../training-data.ts";
import { drawProbe } from "./probe.ts";

export type AdaptInput = {
  readonly train: TrainingData;
  /** the control split, never trained on */
  readonly control: TrainingData;
  /** embeddings of both by the deployed model, [count × d] */
  readonly anchors: { readonly train: Float32Array; readonly control: Float32Array };
  readonly benign: readonly BenignFamily[];
  readonly adversarial: readonly AdversarialFamily[];
  /** what the run is for: it decides which view weighs more */
  readonly emphasis: "Benign" | "Adversarial";
  readonly seed: number;
};

/** Weights of the loss's parts, and the numbers of attack steps that the curriculum walks along. */
const emphases = {
  Benign: { adversarial: 1, benign: 1.5, clean: 0.5, attackSteps: [2, 3] },
  Adversarial: { adversarial: 2, benign: 0.5, clean: 0.5, attackSteps: [3, 5] },
} as const;
const compatibleWeight = 0.1;

/**
 * Adapts the deployed model without moving the meaning of its vectors:
 *
 *   ‖f(x + δ) − f₀(x)‖² + ‖f(w(x)) − f₀(x)‖² + ½ ‖f(x) − f₀(x)‖² + λ CE(s f(·)·W₀ᵀ, y)
 *
 * δ makes the first term large (FARE, Schlarmann et al. 2024), w is a view under the benign families, W₀ are the class
 * means of the old model's embeddings (backward-compatible training, Shen et al. 2020), where there are labels.
 */
export function adaptRecipe({ train, control, anchors, benign, adversarial, emphasis, seed }: AdaptInput): Recipe {
  const weightOf = emphases[emphasis];
  const fare = objectives.fare.build();
  const compatible = objectives.prototypeCrossEntropy.build(objectives.prototypeCrossEntropy.schema.parse({}));
  const dimension = anchors.train.length / train.count;
  const prototypes = train.labels && control.labels ? classPrototypes(anchors.train, train.labels, dimension) : null;
  const tensorOfRows = (embeddings: Float32Array): tf.Tensor2D =>
    tf.tensor2d(embeddings, [embeddings.length / dimension, dimension]);
  const displacement = (encoder: Encoder, anchor: tf.Tensor2D) => (batch: tf.Tensor) =>
    tf.sum(tf.square(tf.sub(embed(encoder, batch), anchor))).asScalar();

  const probe = drawProbe(control, seed, prototypes !== null);
  const probeAnchors = gatherRows(anchors.control, dimension, probe.rows);
  const gallery = prototypes ?? probeAnchors;

  return {
    name: "Adapt",
    heads: {},
    attackSteps: adversarial.length > 0 ? weightOf.attackSteps : [],
    startScale: 0.6,
    views: (encoder, { step, rows, curriculum }) => {
      const inputs = gatherInputs(train, rows);
      const clean = tensorOf(train, inputs);
      const anchor = tensorOfRows(gatherRows(anchors.train, dimension, rows));
      const views: tf.Tensor[] = [];
      const family = adversarial[step % Math.max(1, adversarial.length)];
      if (family) {
        const radius = family.radius * curriculum.scale;
        const steps = curriculum.attackSteps;
        const settings = { family, radius, steps, stepSize: stepSizeOf(radius, steps) };
        views.push(attack(settings, clean, displacement(encoder, anchor), stream(seed, "attack", step)));
      }
      if (benign.length > 0) {
        const random = stream(seed, "benign", step);
        views.push(tensorOf(train, composeBenign(benign, inputs, train.size, 1, random)));
      }
      const hot = oneHotLabels(train, rows);
      return { batch: tf.concat([...views, clean], 0), anchor, ...(hot && { labels: hot }) };
    },
    loss: (encoder, _, { batch, anchor, labels }) => {
      if (!batch || !anchor) throw new Error("the views of Adapt are a batch and its anchors");
      const embeddings = embed(encoder, batch);
      const n = anchor.shape[0] ?? 0;
      const weights = [
        ...(adversarial.length > 0 ? [weightOf.adversarial] : []),
        ...(benign.length > 0 ? [weightOf.benign] : []),
        weightOf.clean,
      ];
      const partners: tf.Tensor2D = tf.reshape(anchor, [n, dimension]);
      const parts = weights.map((weight, i) => {
        const view = tf.slice(embeddings, [i * n, 0], [n, dimension]);
        const near = fare({ embeddings: view, partners });
        if (!prototypes || !labels) return tf.mul(near, weight);
        const hot: tf.Tensor2D = tf.reshape(labels, [n, train.classes]);
        const usable = compatible({ embeddings: view, prototypes: tensorOfRows(prototypes), labels: hot });
        return tf.mul(tf.add(near, tf.mul(usable, compatibleWeight)), weight);
      });
      return tf.addN(parts).asScalar();
    },
    probe: (encoder, curriculum, step) => {
      const inputs = tensorOf(control, probe.inputs);
      const anchor = tensorOfRows(probeAnchors);
      const accuracy = (batch: tf.Tensor): number => {
        const found = nearest(embed(encoder, batch).dataSync<"float32">(), gallery, dimension);
        return found.filter((index, i) => index === probe.wanted[i]).length / found.length;
      };
      const under = (steps: number): number =>
        worst(adversarial, curriculum, (family, radius) => {
          const stepSize = steps === 1 ? radius : radius / 4;
          // A displacement has no gradient at its own anchor: both start anywhere in the ball.
          const random = stream(seed, "probe", step);
          return accuracy(attack({ family, radius, steps, stepSize }, inputs, displacement(encoder, anchor), random));
        });
      return {
        clean: accuracy(inputs),
        fgsm: under(1),
        robust: under(10),
        effectiveRank: effectiveRank(embed(encoder, inputs).dataSync<"float32">(), dimension),
      };
    },
  };
}

/** The lowest accuracy over the families, each at the share of its budget that training has come to. */
export function worst(
  families: readonly AdversarialFamily[],
  { scale }: Curriculum,
  accuracy: (family: AdversarialFamily, radius: number) => number,
): number {
  return Math.min(...families.map((family) => accuracy(family, family.radius * scale)));
}
