import { describe, expect, it } from "vitest";
import { dot, matrixOf, norm } from "./matrix.ts";
import { seededRandom } from "./random.ts";
import { fitWhitening, squaredResidual, varianceAlong, whiten } from "./whitening.ts";

describe("whitening", () => {
  it("by hand: variances 2 and 8 with a ridge of a tenth of their mean", () => {
    const w = fitWhitening(
      matrixOf([
        [1, 2],
        [-1, -2],
        [1, -2],
        [-1, 2],
        [0, 0],
      ]),
      seededRandom(1),
    );
    // Σ x² / (n − 1) = 4/4 and 16/4; λ = 0.1 · (1 + 4)/2.
    expect([...w.variances]).toEqual([expect.closeTo(4, 6), expect.closeTo(1, 6)]);
    expect(w.ridge).toBeCloseTo(0.25, 6);
    expect([...whiten(w, [1, 1], -1)]).toEqual([expect.closeTo(1 / 1.25, 6), expect.closeTo(1 / 4.25, 6)]);
    expect(varianceAlong(w, [1, 1])).toBeCloseTo(1.25 + 4.25, 6);
    expect(squaredResidual(w, [5, 7])).toBeCloseTo(0, 6);
  });

  const random = seededRandom(5);
  const samples = matrixOf(
    Array.from({ length: 400 }, () => Array.from({ length: 100 }, (_, j) => random.gaussian() / (1 + j / 10) + 3)),
  );
  const fitted = fitWhitening(samples, seededRandom(6));
  const gaussian = (): Float64Array => Float64Array.from({ length: 100 }, () => random.gaussian());
  const u = gaussian();
  const v = gaussian();

  it("power −1 is power −½ twice", () => {
    const [once, twice] = [whiten(fitted, u, -1), whiten(fitted, whiten(fitted, u, -0.5), -0.5)];
    once.forEach((value, j) => expect(twice[j]).toBeCloseTo(value, 4));
  });

  it("is symmetric and inverts the variance: wᵀ Σ w = uᵀ Σ⁻¹ u for w = Σ⁻¹ u", () => {
    expect(dot(whiten(fitted, u, -1), v)).toBeCloseTo(dot(u, whiten(fitted, v, -1)), 4);
    const w = whiten(fitted, u, -1);
    expect(varianceAlong(fitted, w) / dot(u, w)).toBeCloseTo(1, 4);
  });

  it("keeps the whole variance: the trace of Σ_λ is that of the samples and the ridge", () => {
    const axes = Array.from({ length: 100 }, (_, j) => Float64Array.from({ length: 100 }, (_, k) => (k === j ? 1 : 0)));
    const trace = axes.reduce((sum, axis) => sum + varianceAlong(fitted, axis), 0);
    const total = (fitted.ridge / 0.1) * 100;
    expect(trace / (total + 100 * fitted.ridge)).toBeCloseTo(1, 4);
  });

  it("the residual is what the kept directions leave", () => {
    const inside = fitted.mean.map((value, j) => value + 2 * fitted.basis.data[j]!);
    expect(squaredResidual(fitted, inside)).toBeCloseTo(0, 4);
    const away = fitted.mean.map((value, j) => value + u[j]!);
    expect(Math.sqrt(squaredResidual(fitted, away))).toBeLessThan(norm(u));
    expect(squaredResidual(fitted, away)).toBeGreaterThan(1);
  });

  it("refuses what has no covariance", () => {
    expect(() =>
      fitWhitening(
        matrixOf([
          [1, 2],
          [3, 4],
        ]),
        seededRandom(1),
      ),
    ).toThrow(/at least 3/);
    expect(() =>
      fitWhitening(
        matrixOf([
          [1, 2],
          [1, 2],
          [1, 2],
        ]),
        seededRandom(1),
      ),
    ).toThrow(/all reference vectors are equal/);
  });
});
