import * as tf from "@tensorflow/tfjs";
import { type Encoder, embed } from "../../model/index.ts";
import { stepSizeOf } from "../curriculum.ts";
import { classPrototypes, effectiveRank, nearest } from "../measures.ts";
import { objectives } from "../objectives/index.ts";
import { type AdversarialFamily, type BenignFamily, composeBenign } from "../perturbations/index.ts";
import { attack } from "../pgd.ts";
import { regularizers } from "../regularizers/index.ts";
import { permutation, stream } from "../streams.ts";
import type { Recipe } from "../trainer.ts";
import { gatherInputs, type TrainingData, tensorOf } from "../training-data.ts";
import { worst } from "./adapt.ts";
import { drawProbe } from "./probe.ts";

export type PretrainInput = {
  readonly train: TrainingData;
  /** the control split, never trained on */
  readonly control: TrainingData;
  readonly benign: readonly BenignFamily[];
  readonly adversarial: readonly AdversarialFamily[];
  readonly dimension: number;
  readonly seed: number;
};

const temperature = 0.5;
const varianceWeight = 1;
const jacobianWeight = 1e-4;
const gallerySize = 1000;

/**
 * Adversarial contrastive pretraining on DynACL's schedule (Luo, Wang and Wang 2023):
 *
 *   ½ (2 − w) NTX(z₁, z₂) + ½ w NTX(z₁ᵃ, z₂ᵃ),   w = 1 + ⅔ t/T
 *
 * over two views under the benign families, whose strength s = 1 − t/T is annealed by the curriculum, and the same two
 * attacked: δ makes their NTX large. A variance and a Jacobian term keep the embedding wide and smooth.
 */
export function pretrainRecipe({ train, control, benign, adversarial, dimension, seed }: PretrainInput): Recipe {
  const contrast = objectives.ntXent.build({ temperature });
  const spread = regularizers.variance.build(regularizers.variance.schema.parse({}));
  const smooth = regularizers.jacobian.build(regularizers.jacobian.schema.parse({}));
  const half = (embeddings: tf.Tensor2D, part: number, n: number): tf.Tensor2D =>
    tf.slice(embeddings, [part * n, 0], [n, dimension]);
  const contrastOf = (embeddings: tf.Tensor2D): tf.Scalar => {
    const n = embeddings.shape[0] / 2;
    return contrast({ embeddings: half(embeddings, 0, n), partners: half(embeddings, 1, n) });
  };

  const galleryRows = permutation(train.count, stream(seed, "probe")).slice(0, gallerySize);
  const galleryInputs = gatherInputs(train, galleryRows);
  const galleryLabels = control.labels && train.labels && galleryRows.map((row) => train.labels?.[row] ?? 0);
  const probe = drawProbe(control, seed, galleryLabels !== null);

  /** What an unchanged probe is found by: its class's mean, or itself. */
  const galleryOf = (encoder: Encoder, clean: Float32Array): Float32Array => {
    if (!galleryLabels) return clean;
    const embedded = embed(encoder, tensorOf(train, galleryInputs)).dataSync<"float32">();
    return classPrototypes(Float32Array.from(embedded), galleryLabels, dimension);
  };

  return {
    name: "Pretrain",
    heads: {},
    attackSteps: adversarial.length > 0 ? [2, 5] : [],
    startScale: 0.5,
    views: (encoder, { step, rows, curriculum }) => {
      const inputs = gatherInputs(train, rows);
      const view = (purpose: "benign" | "second-view"): tf.Tensor =>
        tensorOf(
          train,
          composeBenign(benign, inputs, train.size, curriculum.augmentation, stream(seed, purpose, step)),
        );
      const clean = tf.concat([view("benign"), view("second-view")], 0);
      const directions = directionsLike(clean, seed, step);
      const family = adversarial[step % Math.max(1, adversarial.length)];
      if (!family) return { clean, directions };
      const radius = family.radius * curriculum.scale;
      const steps = curriculum.attackSteps;
      // The mean over a batch has gradients n times smaller; only their direction counts.
      const attacked = attack(
        { family, radius, steps, stepSize: stepSizeOf(radius, steps) },
        clean,
        (batch) => contrastOf(embed(encoder, batch)),
        stream(seed, "attack", step),
      );
      return { clean, directions, attacked };
    },
    loss: (encoder, _, { clean, directions, attacked }, { step, steps }) => {
      if (!clean || !directions) throw new Error("the views of Pretrain are a batch and directions");
      const embeddings = embed(encoder, clean);
      const weight = attacked ? 1 + (2 / 3) * (step / steps) : 0;
      const parts = [
        tf.mul(contrastOf(embeddings), 0.5 * (2 - weight)),
        ...(attacked ? [tf.mul(contrastOf(embed(encoder, attacked)), 0.5 * weight)] : []),
        ...[spread, smooth].map((regularizer, i) =>
          tf.mul(
            regularizer({ encode: (batch) => embed(encoder, batch), batch: clean, embeddings, directions }),
            i === 0 ? varianceWeight : jacobianWeight,
          ),
        ),
      ];
      return tf.addN(parts).asScalar();
    },
    probe: (encoder, curriculum, step) => {
      const inputs = tensorOf(control, probe.inputs);
      const anchor = embed(encoder, inputs);
      const clean = Float32Array.from(anchor.dataSync<"float32">());
      const gallery = galleryOf(encoder, clean);
      const accuracy = (embeddings: Float32Array): number => {
        const found = nearest(embeddings, gallery, dimension);
        return found.filter((index, i) => index === probe.wanted[i]).length / found.length;
      };
      const displaced = (batch: tf.Tensor): tf.Scalar =>
        tf.sum(tf.square(tf.sub(embed(encoder, batch), anchor))).asScalar();
      const under = (attackSteps: number): number =>
        worst(adversarial, curriculum, (family, radius) => {
          const stepSize = attackSteps === 1 ? radius : radius / 4;
          const settings = { family, radius, steps: attackSteps, stepSize };
          // A displacement has no gradient at its own anchor: both start anywhere in the ball.
          const attacked = attack(settings, inputs, displaced, stream(seed, "probe", step));
          return accuracy(embed(encoder, attacked).dataSync<"float32">());
        });
      return {
        clean: accuracy(clean),
        fgsm: under(1),
        robust: under(10),
        effectiveRank: effectiveRank(clean, dimension),
      };
    },
  };
}

/** A random direction of length 1 for each input of a batch. */
function directionsLike(batch: tf.Tensor, seed: number, step: number): tf.Tensor {
  const random = stream(seed, "regularizer", step);
  const n = batch.shape[0] ?? 1;
  const drawn = tf.tensor2d(
    Float32Array.from({ length: batch.size }, () => random.gaussian()),
    [n, batch.size / n],
  );
  return tf.reshape(tf.div(drawn, tf.norm(drawn, 2, 1, true)), batch.shape);
}
