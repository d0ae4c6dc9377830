import { expect, it } from "vitest";
import type { TrainingData } from "../training-data.ts";
import { drawProbe } from "./probe.ts";

/** Sorted by class, 100 of each. */
const unlabelled: TrainingData = {
  shape: [1],
  size: 1,
  count: 1000,
  inputs: Float32Array.from({ length: 1000 }, (_, row) => row),
  classes: 10,
};
const labels = Int32Array.from({ length: 1000 }, (_, row) => Math.floor(row / 100));
const control: TrainingData = { ...unlabelled, labels };

it("is of every class, each input with its own", () => {
  const { rows, inputs, wanted } = drawProbe(control, 1, true);
  expect(rows.length).toBe(160);
  expect([...inputs]).toEqual([...rows]);
  expect([...wanted]).toEqual(Array.from(rows, (row) => Math.floor(row / 100)));
  expect(new Set(wanted).size).toBe(10);
});

it("is found by itself where classes are not asked for or not known, and is the same for a seed", () => {
  const own = Array.from({ length: 160 }, (_, i) => i);
  expect([...drawProbe(control, 1, false).wanted]).toEqual(own);
  expect([...drawProbe(unlabelled, 1, true).wanted]).toEqual(own);
  expect(drawProbe(control, 1, true)).toEqual(drawProbe(control, 1, true));
  expect(drawProbe(control, 2, true).rows).not.toEqual(drawProbe(control, 1, true).rows);
});
