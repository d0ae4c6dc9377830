import { describe, expect, it } from "vitest";
import { compareProbes, measureRepeatNoise } from "./canary.ts";
import { type Matrix, matrixOf } from "./matrix.ts";
import { procrustesResidual } from "./procrustes.ts";
import { type Random, seededRandom } from "./random.ts";

const random = seededRandom(1);
const probes = matrixOf(Array.from({ length: 64 }, () => Array.from({ length: 24 }, () => random.gaussian())));
const exact = { distance: 0, logNormRatio: 0 };

const changed = (matrix: Matrix, change: (value: number, index: number) => number): Matrix => ({
  ...matrix,
  data: matrix.data.map(change),
});
const noisy = (size: number, noise: Random): Matrix => changed(probes, (value) => value + size * noise.gaussian());

/** Turns each pair of coordinates (2k, 2k + 1) by an angle. */
function turned(matrix: Matrix, angle: number): Matrix {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return changed(matrix, (value, i) =>
    i % 2 === 0 ? c * value - s * matrix.data[i + 1]! : c * value + s * matrix.data[i - 1]!,
  );
}

describe("procrustesResidual", () => {
  it("by hand: I onto diag(1, 0) leaves √(2 + 1 − 2·1)/√2", () => {
    expect(
      procrustesResidual(
        matrixOf([
          [1, 0],
          [0, 1],
        ]),
        matrixOf([
          [1, 0],
          [0, 0],
        ]),
      ),
    ).toBeCloseTo(Math.SQRT1_2, 10);
  });
  it("a rotation and a reflection leave nothing", () => {
    expect(procrustesResidual(probes, turned(probes, 1))).toBeLessThan(1e-3);
    expect(
      procrustesResidual(
        probes,
        changed(probes, (value) => -value),
      ),
    ).toBeLessThan(1e-3);
  });
  it("unrelated vectors leave much", () => {
    const other = matrixOf(Array.from({ length: 64 }, () => Array.from({ length: 24 }, () => random.gaussian())));
    expect(procrustesResidual(probes, other)).toBeGreaterThan(0.5);
  });
});

describe("compareProbes", () => {
  it("the same vectors match, and nothing has moved", () => {
    expect(compareProbes(probes, probes, exact)).toMatchObject({ match: true, normRatio: 1, neighbourOverlap: 1 });
    expect(compareProbes(probes, probes, exact).distance).toBeLessThan(1e-12);
  });

  it.each([
    ["rounding of single precision", noisy(1e-6, random), true],
    ["half precision", changed(probes, (value) => Math.round(value * 1024) / 1024), true],
    ["a rotation by 0.05", turned(probes, 0.05), false],
    ["a rotation by 0.005", turned(probes, 0.005), true],
    ["other lengths", changed(probes, (value) => 1.02 * value), false],
    ["one vector of another probe", changed(probes, (value, i) => (i < 24 ? probes.data[i + 24]! : value)), false],
    ["zeros", changed(probes, () => 0), false],
    ["a NaN", changed(probes, (value, i) => (i === 3 ? Number.NaN : value)), false],
  ])("%s", (_, actual, match) => {
    expect(compareProbes(probes, actual, exact).match).toBe(match);
  });

  it("by hand: a rotation by θ of unit vectors is 1 − cos θ away and only turned", () => {
    const comparison = compareProbes(probes, turned(probes, 0.3), exact);
    expect(comparison.distance).toBeCloseTo(1 - Math.cos(0.3), 5);
    expect(comparison.meanDistance).toBeCloseTo(1 - Math.cos(0.3), 5);
    expect(comparison.neighbourOverlap).toBe(1);
    expect(comparison.procrustes).toBeLessThan(1e-3);
  });

  it("is as lenient as the model's own repeats: three times their noise, no more", () => {
    const noise = measureRepeatNoise([probes, noisy(0.05, random), noisy(0.05, random)]);
    expect(noise.distance).toBeGreaterThan(1e-4);
    expect(compareProbes(probes, noisy(0.05, random), noise).match).toBe(true);
    expect(compareProbes(probes, noisy(0.3, random), noise).match).toBe(false);
  });

  it("is not lenient with a pod that answers at random, however far apart its own repeats are", () => {
    const noise = measureRepeatNoise([noisy(3, random), noisy(3, random)]);
    expect(noise.distance).toBeGreaterThan(0.1);
    expect(compareProbes(probes, noisy(3, random), noise).match).toBe(false);
  });

  it("refuses other shapes and a noise of one repeat", () => {
    expect(() => compareProbes(probes, matrixOf([[1, 2]]), exact)).toThrow(
      "1 vectors of length 2, expected 64 of length 24",
    );
    expect(() => measureRepeatNoise([probes])).toThrow("at least two repeats");
  });
});
