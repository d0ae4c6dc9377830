import { leastReference } from "../monitor/index.ts";
import { type Dataset, rowsOfSplit } from "../registry/index.ts";
import { leastInputs } from "../training/prepared-data.ts";

/** Says on standard error what a dataset is too small for, if it is. */
export function warnOfSize(dataset: Dataset): void {
  const why = tooSmall(dataset);
  if (why !== null) console.error(`evenkeel: ${why}`);
}

/** The monitor's reference is embedded from the calibration split, so the larger of the two minima counts there. */
const needs = [
  ["train", leastInputs.train],
  ["control", leastInputs.control],
  ["calibration", Math.max(leastInputs.calibration, leastReference)],
] as const;

/** @returns null for a dataset that a model can be trained from, and watched by */
export function tooSmall(dataset: Dataset): string | null {
  const short = needs.flatMap(([split, least]) => {
    const { length } = rowsOfSplit(dataset, [split]);
    return length < least ? [`${length} to ${split}, which needs ${least}`] : [];
  });
  if (short.length === 0) return null;
  return `too small for a reference dataset (an evaluation set may be): of ${dataset.count} inputs go ${short.join("; ")}`;
}
