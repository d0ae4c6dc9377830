import { describe, expect, it } from "vitest";
import { matrixOf } from "./matrix.ts";
import { meanShift } from "./mean-shift.ts";
import { seededRandom } from "./random.ts";

const random = seededRandom(11);

/** Vectors around a mean, with a spread of their own in each coordinate. */
function around(mean: readonly number[], spread: readonly number[], n: number) {
  return matrixOf(
    Array.from({ length: n }, () => mean.map((value, j) => value + (spread[j] ?? 1) * random.gaussian())),
  );
}

describe("the shift of a mean", () => {
  const d = 64;
  const zero = Array.from({ length: d }, () => 0);
  const spread = zero.map((_, j) => 1 + j / d);
  const along = (shift: number) => zero.map((_, j) => (j === 0 ? shift : 0));

  it("is in standard deviations of a vector, whatever their scale", () => {
    // The ridge, a tenth of the mean variance, makes each a little larger than it is, and so do directions that are known from
    // half of the reference only, along the smallest ones: 2/√1.23 = 1.8 and a little less.
    const shift = meanShift(around(along(2), spread, 2000), around(zero, spread, 2000));
    expect(shift).toBeGreaterThan(1.6);
    expect(shift).toBeLessThan(2.05);
    const scaled = (by: number) => spread.map((value) => by * value);
    const larger = meanShift(around(along(20), scaled(10), 2000), around(zero, scaled(10), 2000));
    expect(larger).toBeCloseTo(shift ?? 0, 0);
  });

  it("has nothing of what sampling alone brings, which for 100 vectors of 64 numbers is 0.9", () => {
    const shifts = Array.from({ length: 20 }, () => meanShift(around(zero, spread, 100), around(zero, spread, 800)));
    expect(Math.max(...shifts.map((shift) => shift ?? 9))).toBeLessThan(0.7);
  });

  it.each([
    [768, 0, 50],
    [384, 1, 100],
  ])("is none where there is none, of %i numbers with variances i^−%f, against %i vectors", (d, decay, n) => {
    const none = Array.from({ length: d }, () => 0);
    const variances = none.map((_, j) => (j + 1) ** (-decay / 2));
    const shifts = Array.from(
      { length: 4 },
      () => meanShift(around(none, variances, 300), around(none, variances, n)) ?? 9,
    );
    // The square of what is left is as often below 0 as above: it has no bias, but a spread of its own.
    expect(shifts.reduce((sum, shift) => sum + shift, 0) / 4).toBeLessThan(0.6);
  });

  it.each([50, 200])("is true against %i vectors of 384 numbers", (n) => {
    const spread = Array.from({ length: 384 }, () => 1);
    // Two standard deviations along no direction in particular.
    const shifted = spread.map(() => 2 / Math.sqrt(384));
    const none = spread.map(() => 0);
    const shifts = Array.from(
      { length: 4 },
      () => meanShift(around(shifted, spread, 300), around(none, spread, n)) ?? 9,
    );
    const mean = shifts.reduce((sum, shift) => sum + shift, 0) / 4;
    expect(mean).toBeGreaterThan(1.6);
    expect(mean).toBeLessThan(2.2);
  });

  it("is not known by a few vectors, nor against a reference without spread", () => {
    const reference = around(zero, spread, 800);
    expect(meanShift(around(along(3), spread, 29), reference)).toBeNull();
    expect(meanShift(around(along(3), spread, 30), reference)).toBeGreaterThan(1);
    expect(meanShift(reference, around(zero, spread, 29))).toBeNull();
    expect(meanShift(reference, around(zero, zero, 100))).toBeNull();
  });
});
