import { describe, expect, it } from "vitest";
import { type Matrix, matrixOf, type Random, seededRandom } from "../../monitor/index.ts";
import { explainShift, isExplained, type ShiftSamples } from "./explained-shift.ts";

const d = 6;
/** Standard gaussian vectors around a centre, so that lengths are in standard deviations. */
function around(random: Random, centre: readonly number[], rows = 1500): Matrix {
  return matrixOf(
    Array.from({ length: rows }, () => Array.from({ length: d }, (_, j) => (centre[j] ?? 0) + random.gaussian())),
  );
}
const samples = (live: readonly number[], change: Partial<ShiftSamples> = {}): ShiftSamples => {
  const random = seededRandom(3);
  return {
    accepted: around(random, []),
    live: around(random, live),
    old: around(random, []),
    shifted: around(random, [1]),
    ...change,
  };
};

describe("explainShift", () => {
  // The covariance has a ridge of a tenth of a variance, so that 1 reads as 1/√1.1.
  const one = 1 / Math.sqrt(1.1);
  it.each([
    ["what the slice shows", [1], one, 0, 1, true],
    ["a weaker form of it", [0.5], one / 2, 0, 1, true],
    ["another world", [0, 1], one, one, 0, false],
    ["half of each", [1, 1], one * Math.SQRT2, one, 0.5, false],
    ["the opposite", [-1], one, one, 0, false],
  ] as const)("of %s", (_, live, effect, residual, explained, accepted) => {
    const found = explainShift(samples(live));
    if (!found) throw new Error("not measured");
    expect(found.effect).toBeCloseTo(effect, 0.7);
    expect(found.residual).toBeCloseTo(residual, 0.7);
    expect(Math.abs(found.explained - explained)).toBeLessThan(0.08);
    expect(isExplained(found)).toBe(accepted);
  });

  it("of nothing new leaves nothing to explain", () => {
    const found = explainShift(samples([]));
    expect(found && isExplained(found)).toBe(true);
    expect(found?.effect).toBeLessThan(0.1);
  });

  it("leaves out what sampling alone brings: few vectors of the same world are no residual", () => {
    const random = seededRandom(4);
    const found = explainShift(samples([1], { live: around(random, [1], 60), shifted: around(random, [1], 60) }));
    expect(found?.residual).toBeLessThan(0.25);
  });

  it.each([60, 100, 150])("of another world is none, judged by %i accepted vectors of 384 numbers", (rows) => {
    const random = seededRandom(rows);
    const wide = (centre: number, count: number): Matrix =>
      matrixOf(
        Array.from({ length: count }, () =>
          Array.from({ length: 384 }, (_, j) => (j % 2 ? centre / Math.sqrt(192) : 0) + random.gaussian()),
        ),
      );
    const found = explainShift({
      accepted: wide(0, rows),
      live: wide(2, 500),
      old: wide(0, 500),
      shifted: wide(0, 500),
    });
    expect(found?.explained).toBeLessThan(0.25);
    expect(found?.effect).toBeCloseTo(2 / Math.sqrt(1.1), 0);
  });

  it.each([
    ["no traffic", { live: { rows: 0, columns: d, data: new Float32Array(0) } }],
    ["no labelled slice", { shifted: { rows: 0, columns: d, data: new Float32Array(0) } }],
    ["a reference without spread", { accepted: { rows: 9, columns: d, data: new Float32Array(9 * d).fill(1) } }],
  ])("measures nothing of %s", (_, change) => {
    expect(explainShift(samples([1], change))).toBeNull();
  });
});
