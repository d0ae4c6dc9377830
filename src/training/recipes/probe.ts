import { sampleRows, stream } from "../streams.ts";
import { gatherInputs, type TrainingData } from "../training-data.ts";

/** Control inputs that a recipe measures its curriculum on. */
export type Probe = {
  /** Rows of the control split, ascending. */
  readonly rows: Int32Array;
  readonly inputs: Float32Array;
  /** What each is found by: the index of its class, or, without classes, its own. */
  readonly wanted: Int32Array;
};

const probeSize = 160;

/** Drawn, as a split that is sorted by class begins with the first few. */
export function drawProbe(control: TrainingData, seed: number, classes: boolean): Probe {
  const rows = sampleRows(control.count, probeSize, stream(seed, "control"));
  const { labels } = control;
  return {
    rows,
    inputs: gatherInputs(control, rows),
    wanted: rows.map((row, i) => (classes && labels ? (labels[row] ?? 0) : i)),
  };
}
