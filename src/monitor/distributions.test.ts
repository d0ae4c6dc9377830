import { describe, expect, it } from "vitest";
import { chiSquaredTail, logGamma, noncentralChiSquaredTail, regularisedBeta, shareBounds } from "./distributions.ts";
import { liuTail, spectrumCumulants } from "./liu.ts";
import { seededRandom } from "./random.ts";

describe("distributions", () => {
  it.each([
    [1, 0],
    [2, 0],
    [5, Math.log(24)],
    [0.5, Math.log(Math.sqrt(Math.PI))],
    [11, Math.log(3_628_800)],
  ])("log Γ(%d)", (x, expected) => {
    expect(logGamma(x)).toBeCloseTo(expected, 12);
  });

  it.each([
    [3.841458820694124, 1, 0.05],
    [18.307038053275146, 10, 0.05],
    [2, 2, Math.exp(-1)],
    [27, 1, 2.035e-7],
    [0, 3, 1],
    [-1, 3, 1],
  ])("upper tail of χ² at %d with %d degrees", (x, degrees, tail) => {
    expect(chiSquaredTail(x, degrees) / tail).toBeCloseTo(1, 3);
  });

  it("a noncentral χ² with one degree is a squared shifted normal", () => {
    // P((Z + 1)² > 4) = Φ(−1) + Φ(−3)
    expect(noncentralChiSquaredTail(4, 1, 1)).toBeCloseTo(0.158655253931 + 0.001349898032, 10);
  });

  it("the incomplete beta function where it is a polynomial", () => {
    expect(regularisedBeta(0.3, 1, 4)).toBeCloseTo(1 - 0.7 ** 4, 12);
    expect(regularisedBeta(0.3, 2, 2)).toBeCloseTo(3 * 0.09 - 2 * 0.027, 12);
    expect(regularisedBeta(0.3, 5, 2) + regularisedBeta(0.7, 2, 5)).toBeCloseTo(1, 12);
  });

  it("Clopper and Pearson's bounds of 10 in 100 (R's binom.test: 0.04900469 to 0.17622260)", () => {
    const { lower, upper } = shareBounds(10, 100, 0.975);
    expect(lower).toBeCloseTo(0.04900469, 7);
    expect(upper).toBeCloseTo(0.1762226, 7);
  });

  it("bounds of none and of all are exact", () => {
    expect(shareBounds(0, 20, 0.95)).toEqual({ lower: 0, upper: expect.closeTo(1 - 0.05 ** (1 / 20), 10) });
    expect(shareBounds(20, 20, 0.95)).toEqual({ lower: expect.closeTo(0.05 ** (1 / 20), 10), upper: 1 });
  });

  it("a lower bound holds as often as it says", () => {
    const random = seededRandom(1);
    let over = 0;
    for (let i = 0; i < 1000; i++) {
      let flagged = 0;
      for (let j = 0; j < 60; j++) if (random.uniform() < 0.1) flagged++;
      if (shareBounds(flagged, 60, 0.95).lower > 0.1) over++;
    }
    expect(over).toBeLessThan(65);
    expect(over).toBeGreaterThan(5);
  });
});

describe("liuTail", () => {
  it("is exact for one weight and for equal weights", () => {
    expect(liuTail(2 * 3.841458820694124, spectrumCumulants([2]))).toBeCloseTo(0.05, 10);
    expect(liuTail(0.5 * 18.307038053275146, spectrumCumulants(new Float64Array(10).fill(0.5)))).toBeCloseTo(0.05, 10);
  });

  it("is exact for one noncentral weight: P((Z + 2)² > 9) = Φ(−1) + Φ(−5), c_k = 1 + 4k", () => {
    expect(liuTail(9, [5, 9, 13, 17])).toBeCloseTo(0.158655253931 + 2.866516e-7, 9);
  });

  // Q₁ = 0.5 χ²₁(1) + 0.4 χ²₂(0.6) + 0.1 χ²₁(0.8): exact tails in table 1 of Liu, Tang and Zhang 2009.
  it.each([
    [2, 0.457461],
    [6, 0.031109],
    [8, 0.006885],
  ])("P(Q₁ > %d) is %d", (q, exact) => {
    const parts = [
      [0.5, 1, 1],
      [0.4, 2, 0.6],
      [0.1, 1, 0.8],
    ] as const;
    const c = (k: number): number => parts.reduce((sum, [l, h, delta]) => sum + l ** k * (h + k * delta), 0);
    expect(Math.abs(liuTail(q, [c(1), c(2), c(3), c(4)]) - exact)).toBeLessThan(0.003);
  });

  it("scaling Q and q together changes nothing", () => {
    const weights = [3, 1, 0.5, 0.1];
    const scaled = weights.map((value) => 100 * value);
    expect(liuTail(1200, spectrumCumulants(scaled))).toBeCloseTo(liuTail(12, spectrumCumulants(weights)), 10);
  });

  it("no noise leaves no doubt", () => {
    expect(liuTail(1, spectrumCumulants([0]))).toBe(0);
    expect(liuTail(0, spectrumCumulants([0]))).toBe(1);
  });
});
