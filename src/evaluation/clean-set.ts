import { type Dataset, DatasetError, rowsOfSplit, sourceName } from "../registry/index.ts";
import {
  dealEvaluationSet,
  type EvaluationSet,
  type Limits,
  narrow,
  type Part,
  scaledInputs,
} from "./evaluation-set.ts";
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
  /** queries that were left out: near duplicates of training inputs, and inputs that clients sent too */
  readonly duplicates: number;
};

/**
 * The evaluation set without near duplicates of training inputs, after the check that no id is shared, and without what
 * came as traffic: one client with one gate query must not end every run (docs/decisions/0023).
 *
 * @throws {LeakedEvaluation}
 * @throws {DatasetError} when the evaluation set does not offer what `evaluationData` says
 */
export function cleanSet({
  reference,
  evaluation,
  traffic,
  evaluationData,
  settings,
}: Pick<EvaluationInput, "reference" | "evaluation" | "traffic" | "evaluationData"> & { settings: Limits }): CleanSet {
  const measured = evaluation ?? reference;
  if (!measured) throw new DatasetError("Empty", "there is neither an evaluation set nor a reference to measure on");
  const dealt = dealEvaluationSet(measured, evaluationData, settings, evaluation === null);
  const sent = new Set(traffic ? Array.from({ length: traffic.count }, (_, row) => sourceName(traffic, row)) : []);
  const isSent = (row: number): boolean => sent.has(sourceName(measured, row));
  const unsent = without(dealt, (part) => Array.from(part.rows, isSent));
  if (!reference) return { ...unsent, overlap: null };
  const trained = [...rowsOfSplit(reference, ["train", "control"])];
  // An evaluation set of its own must share nothing with the reference at all.
  const all = (dataset: Dataset): number[] => Array.from({ length: dataset.count }, (_, row) => row);
  const overlap = sharedSources([
    [{ dataset: reference, rows: evaluation ? all(reference) : trained }],
    [{ dataset: dealt.dataset, rows: [...dealt.gate.old.rows, ...dealt.gate.shifted.rows] }],
    [{ dataset: dealt.dataset, rows: [...dealt.proof.old.rows, ...dealt.proof.shifted.rows] }],
  ]);
  if (overlap > 0) throw new LeakedEvaluation(overlap);
  const training = scaledInputs(reference, trained);
  const fresh = without(unsent.set, ({ inputs }) =>
    Array.from(nearDuplicates(inputs, training, dealt.size), (near) => near >= 0),
  );
  return { set: fresh.set, overlap, duplicates: unsent.duplicates + fresh.duplicates };
}

/** The set without some of its queries, and how many these are. */
function without(
  set: EvaluationSet,
  leftOut: (part: Part) => readonly boolean[],
): Pick<CleanSet, "set" | "duplicates"> {
  let duplicates = 0;
  const kept = (part: Part): Part => {
    const out = leftOut(part);
    duplicates += out.filter(Boolean).length;
    return narrow(part, set.size, (i) => !out[i]);
  };
  const ofBoth = ({ old, shifted }: EvaluationSet["gate"]) => ({ old: kept(old), shifted: kept(shifted) });
  return { set: { ...set, gate: ofBoth(set.gate), proof: ofBoth(set.proof) }, duplicates };
}
