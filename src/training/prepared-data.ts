import { type Dataset, DatasetError, requireClasses, rowsOfSplit, type Split, takeRows } from "../registry/index.ts";
import { findDuplicates } from "./duplicates.ts";

/** A reference dataset, dealt out and cleaned. */
export type PreparedData = {
  readonly train: Dataset;
  readonly control: Dataset;
  /** never trained on: what the monitoring reference is embedded from */
  readonly calibration: Dataset;
  /** what was removed from the training split */
  readonly duplicates: { readonly exact: number; readonly near: number };
};

/** Fewer inputs than this in a split cannot do what the split is for. */
export const leastInputs = { train: 32, control: 8, calibration: 8 } as const;

/**
 * Deals a dataset out by source (decision 14) and takes out of the training split what is there twice, or stands in another
 * split too.
 *
 * @throws {DatasetError} Empty when a split has too few inputs, OneClass when all labels are the same
 */
export function prepareData(dataset: Dataset): PreparedData {
  requireClasses(dataset);
  const rows = (split: Split): Int32Array => rowsOfSplit(dataset, [split]);
  const trainRows = rows("train");
  const heldOut = rowsOfSplit(dataset, ["control", "calibration", "gate", "proof"]);
  // Held-out rows come first, so that of two copies the one in the training split goes.
  const order = new Int32Array(heldOut.length + trainRows.length);
  order.set(heldOut);
  order.set(trainRows, heldOut.length);
  const { kept, exact, near } = findDuplicates(dataset, order);
  const unique = new Set(kept);
  const parts = {
    train: takeRows(
      dataset,
      trainRows.filter((row) => unique.has(row)),
    ),
    control: takeRows(dataset, rows("control")),
    calibration: takeRows(dataset, rows("calibration")),
  };
  for (const split of ["train", "control", "calibration"] as const) {
    if (parts[split].count < leastInputs[split]) {
      throw new DatasetError(
        "Empty",
        `of ${dataset.count} inputs ${parts[split].count} are left for ${split} (${exact} exact and ${near} near duplicates removed): at least ${leastInputs[split]} are needed`,
      );
    }
  }
  requireClasses(parts.train);
  return { ...parts, duplicates: { exact, near } };
}
