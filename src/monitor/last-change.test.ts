import { describe, expect, it } from "vitest";
import { lastChange } from "./last-change.ts";
import type { Matrix } from "./matrix.ts";
import { seededRandom } from "./random.ts";

const least = 500;

/** Gaussian vectors, the mean of the i-th at `levelOf(i)` of the first axis, in standard deviations. */
function vectors(rows: number, columns: number, seed: number, levelOf: (row: number) => number): Matrix {
  const random = seededRandom(seed);
  const data = Float32Array.from(
    { length: rows * columns },
    (_, k) => random.gaussian() + (k % columns === 0 ? levelOf(Math.floor(k / columns)) : 0),
  );
  return { rows, columns, data };
}

/** Bursts of like vectors: each burst has a mean of its own in every coordinate, 0.6 standard deviations wide. */
function bursts(rows: number, columns: number, burst: number, seed: number, levelOf: (row: number) => number): Matrix {
  const random = seededRandom(seed);
  const matrix = vectors(rows, columns, seed + 1, levelOf);
  for (let from = 0; from < rows; from += burst) {
    const topic = Array.from({ length: columns }, () => 0.6 * random.gaussian());
    for (let i = from; i < Math.min(rows, from + burst); i++) {
      for (let j = 0; j < columns; j++) matrix.data[i * columns + j]! += topic[j] ?? 0;
    }
  }
  return matrix;
}

/** Sessions of 20 vectors with a mean of their own, so many of them open at once. */
function sessions(rows: number, columns: number, atOnce: number, how: "InTurn" | "Drawn", seed: number): Matrix {
  const random = seededRandom(seed);
  const matrix = vectors(rows, columns, seed + 1, () => 0);
  const begin = () => ({ left: 20, topic: Array.from({ length: columns }, () => 0.6 * random.gaussian()) });
  const open = Array.from({ length: atOnce }, begin);
  for (let i = 0; i < rows; i++) {
    const which = how === "InTurn" ? i % atOnce : random.integer(atOnce);
    const session = open[which] ?? begin();
    for (let j = 0; j < columns; j++) matrix.data[i * columns + j]! += session.topic[j] ?? 0;
    session.left -= 1;
    if (session.left === 0) open[which] = begin();
  }
  return matrix;
}

const found = (matrix: Matrix, seed = 1): number => lastChange(matrix, least, seededRandom(seed));

describe("the newest stretch of vectors that look alike", () => {
  it.each([
    ["a step", 2000, (i: number) => (i < 1200 ? 0 : 1), 1200],
    ["the last of two steps", 3000, (i: number) => (i < 1000 ? 0 : i < 2000 ? 1 : -1), 2000],
    ["a step that is taken back", 3000, (i: number) => (i >= 1000 && i < 2000 ? 1 : 0), 2000],
    ["a small step", 4000, (i: number) => (i < 2500 ? 0 : 0.5), 2500],
  ])("begins at %s", (_, rows, levelOf, at) => {
    expect(Math.abs(found(vectors(rows, 16, 1, levelOf)) - at)).toBeLessThan(60);
  });

  it("is as after a ramp, but for a tenth of its height", () => {
    const ramp = (i: number) => Math.min(1, Math.max(0, (i - 1000) / 800));
    const matrix = vectors(3200, 64, 2, ramp);
    const levels = Array.from({ length: matrix.rows }, (_, i) => ramp(i)).slice(found(matrix));
    expect(levels.reduce((sum, level) => sum + level, 0) / levels.length).toBeGreaterThan(0.9);
  });

  it("is all of them where nothing changes, whatever their width", () => {
    for (const columns of [3, 64, 300]) expect(found(vectors(2000, columns, 3, () => 0))).toBe(0);
  });

  it("is all of them where the change is too small to count", () => {
    expect(found(vectors(20_000, 4, 4, (i) => (i < 10_000 ? 0 : 0.1)))).toBe(0);
  });

  it("is not begun by chance more often than promised", () => {
    const draws = Array.from({ length: 100 }, (_, seed) =>
      found(
        vectors(700, 8, 100 + seed, () => 0),
        seed,
      ),
    );
    expect(draws.filter((first) => first > 0).length).toBeLessThanOrEqual(4);
  });

  it.each([2, 5, 20, 50, 100])("is not begun by bursts of %i like vectors", (burst) => {
    const draws = Array.from({ length: 10 }, (_, i) => found(bursts(3000, 8, burst, 200 + 10 * burst + i, () => 0)));
    expect(draws.filter((first) => first > 0).length).toBeLessThanOrEqual(1);
  });

  it.each([
    ["two in turn", 2, "InTurn"],
    ["two", 2, "Drawn"],
    ["four", 4, "Drawn"],
    ["eight", 8, "Drawn"],
  ] as const)("is not begun by sessions of 20 like vectors, %s at once", (_, atOnce, how) => {
    const draws = Array.from({ length: 10 }, (__, i) => found(sessions(3000, 8, atOnce, how, 900 + i)));
    expect(draws.filter((first) => first > 0).length).toBeLessThanOrEqual(1);
  });

  it("is seen among bursts", () => {
    const first = found(bursts(6000, 8, 10, 7, (i) => (i < 4000 ? 0 : 1.5)));
    expect(Math.abs(first - 4000)).toBeLessThan(100);
  });

  it.each([
    ["too few", vectors(least + 20, 4, 5, (i) => (i < 20 ? 0 : 5))],
    ["all equal", { rows: 1000, columns: 4, data: new Float32Array(4000).fill(1) }],
  ])("is all of them when they are %s", (_, matrix) => {
    expect(found(matrix)).toBe(0);
  });

  it("keeps at least as many as were asked for, though the change was later", () => {
    const matrix = vectors(4000, 8, 6, (i) => (i < 3450 ? 0 : 1));
    expect(Math.abs(found(matrix) - 3450)).toBeLessThan(60);
    const first = lastChange(matrix, 600, seededRandom(1));
    expect(first).toBeGreaterThan(3200);
    expect(first).toBeLessThanOrEqual(3400);
  });
});
