import { type Encoder, embed } from "../model/index.ts";
import type { Embed } from "./attacks/objectives.ts";
import { embedFlat, type Victim } from "./attacks/worst-case.ts";
import type { EvaluationSet, Part } from "./evaluation-set.ts";
import { cappedRecall, type Index, nearest, vote } from "./neighbours.ts";

/** Neighbours that count, in all of the evaluation. */
export const neighbourhood = 10;

/** A model with its vectors of the evaluation set. */
export type Model = {
  /** its URI or folder */
  readonly name: string;
  readonly encoder: Encoder;
  readonly embed: Embed;
  readonly shape: readonly number[];
  readonly dimension: number;
  readonly documents: Index;
  readonly old: Float32Array;
  readonly shifted: Float32Array;
};

export function embedModel(name: string, encoder: Encoder, set: EvaluationSet): Model {
  const { inputShape: shape, dimension } = encoder.network;
  const through: Embed = (batch) => embed(encoder, batch);
  const of = (part: Part): Float32Array => embedFlat({ embed: through, shape, dimension }, part.inputs);
  return {
    name,
    encoder,
    embed: through,
    shape,
    dimension,
    documents: { vectors: of(set.documents), dimension },
    old: of(set.gate.old),
    shifted: of(set.gate.shifted),
  };
}

/** The models of one evaluation. `baseline` is the same object as `active` when they are one version. */
export type Models = { readonly candidate: Model; readonly active: Model; readonly baseline: Model };

/**
 * The index a model answers from once it serves: the active model's for a candidate, as documents are not embedded anew
 * (index policy RequireCompatible); its own for the others, and for a candidate whose vectors have another dimension.
 */
export function servedIndex(model: Model, models: Models): Index {
  const { candidate, active } = models;
  return model === candidate && candidate.dimension === active.dimension ? active.documents : model.documents;
}

/** Whether each query is answered rightly: by the vote of its neighbours, or by its document among them for pairs. */
export function answers(vectors: Float32Array, labels: Int32Array, index: Index, set: EvaluationSet): Float64Array {
  if (labels.length === 0) return new Float64Array();
  const neighbours = nearest(vectors, index, neighbourhood);
  if (set.kind === "Pairs") return cappedRecall(neighbours, labels, set.documents.labels);
  return Float64Array.from(vote(neighbours, set.documents.labels), (label, i) => (label === labels[i] ? 1 : 0));
}

/** A model as attacks see it: with the index that it serves from. */
export function victimOf(model: Model, index: Index, set: EvaluationSet, labels: Int32Array): Victim {
  return {
    embed: model.embed,
    shape: model.shape,
    dimension: model.dimension,
    prototypes: prototypesOf(index, set),
    isRight: (vectors, rows) =>
      Array.from(
        answers(
          vectors,
          Int32Array.from(rows, (row) => labels[row] ?? -1),
          index,
          set,
        ),
        (right) => right === 1,
      ),
  };
}

/** Mean vector of each label's documents, of length 1; zero for a label without any. [classes × d] */
function prototypesOf({ vectors, dimension }: Index, set: EvaluationSet): Float32Array {
  const sums = new Float32Array(set.classes * dimension);
  set.documents.labels.forEach((label, row) => {
    for (let k = 0; k < dimension; k++) {
      sums[label * dimension + k] = (sums[label * dimension + k] ?? 0) + (vectors[row * dimension + k] ?? 0);
    }
  });
  for (let c = 0; c < set.classes; c++) {
    const sum = sums.subarray(c * dimension, (c + 1) * dimension);
    const length = Math.hypot(...sum);
    if (length > 0) sum.forEach((value, k) => (sum[k] = value / length));
  }
  return sums;
}
