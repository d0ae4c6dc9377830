import { type Dataset, DatasetError, rowsOfSplit } from "../registry/index.ts";
import { dealEvaluationSet, type EvaluationSet, narrow, type Part, scaledInputs } from "./evaluation-set.ts";
import type { EvaluationInput } from "./input.ts";
import { nearDuplicates, sharedSources } from "./leakage.ts";

/** Queries share a source with training inputs, so nothing measured on them would mean anything. */
export class LeakedEvaluation extends Error {
  override readonly name = "LeakedEvaluation";
  readonly overlap: number;

  constructor(overlap: number) {
    super(`${overlap} source ids are shared between training, gate and proof sets: split by source before training`);
    this.overlap = overlap;
  }
}

/** An evaluation set in which nothing was trained on. */
export type CleanSet = {
  readonly set: EvaluationSet;
  /** ids shared with what was trained on; null when that is not at hand */
  readonly overlap: number | null;
  /** queries that were left out */
  readonly duplicates: number;
};

/**
 * The evaluation set without near duplicates of training inputs, after the check that no id is shared.
 *
 * @throws {LeakedEvaluation}
 * @throws {DatasetError} when the evaluation set does not offer what `evaluationData` says
 */
export function cleanSet({ reference, evaluation, traffic, evaluationData, settings }: EvaluationInput): CleanSet {
  const measured = evaluation ?? reference;
  if (!measured) throw new DatasetError("Empty", "there is neither an evaluation set nor a reference to measure on");
  const dealt = dealEvaluationSet(measured, evaluationData, settings, evaluation === null);
  if (!reference) return { set: dealt, overlap: null, duplicates: 0 };
  const trained = [...rowsOfSplit(reference, ["train", "control"])];
  // An evaluation set of its own must share nothing with the reference at all.
  const all = (dataset: Dataset): number[] => Array.from({ length: dataset.count }, (_, row) => row);
  const overlap = sharedSources([
    [
      { dataset: reference, rows: evaluation ? all(reference) : trained },
      ...(traffic ? [{ dataset: traffic, rows: all(traffic) }] : []),
    ],
    [{ dataset: dealt.dataset, rows: [...dealt.gate.old.rows, ...dealt.gate.shifted.rows] }],
    [{ dataset: dealt.dataset, rows: [...dealt.proof.old.rows, ...dealt.proof.shifted.rows] }],
  ]);
  if (overlap > 0) throw new LeakedEvaluation(overlap);
  const training = scaledInputs(reference, trained);
  let duplicates = 0;
  const fresh = (part: Part): Part => {
    const near = nearDuplicates(part.inputs, training, dealt.size);
    duplicates += near.filter((row) => row >= 0).length;
    return narrow(part, dealt.size, (i) => near[i] === -1);
  };
  const set = {
    ...dealt,
    gate: { old: fresh(dealt.gate.old), shifted: fresh(dealt.gate.shifted) },
    proof: { old: fresh(dealt.proof.old), shifted: fresh(dealt.proof.shifted) },
  };
  return { set, overlap, duplicates };
}
