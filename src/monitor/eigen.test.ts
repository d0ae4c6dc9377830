import { describe, expect, it } from "vitest";
import { leadingEigen, symmetricEigen } from "./eigen.ts";
import { dot, matrixOf, meanRow, row } from "./matrix.ts";
import { seededRandom } from "./random.ts";

describe("symmetricEigen", () => {
  it("of [[2, 1], [1, 2]] is 3 and 1 along the diagonals", () => {
    const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
    expect([...values]).toEqual([expect.closeTo(3, 12), expect.closeTo(1, 12)]);
    expect(Math.abs((vectors[0] ?? 0) - (vectors[1] ?? 0))).toBeCloseTo(0, 12);
  });

  it("rebuilds a random symmetric matrix from its pairs", () => {
    const size = 12;
    const random = seededRandom(2);
    const a = new Float64Array(size * size);
    for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) a[i * size + j] = a[j * size + i] = random.gaussian();
    const { values, vectors } = symmetricEigen(a, size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const rebuilt = values.reduce((s, value, k) => s + value * vectors[k * size + i]! * vectors[k * size + j]!, 0);
        expect(rebuilt).toBeCloseTo(a[i * size + j]!, 10);
      }
    }
  });
});

describe("leadingEigen", () => {
  it("finds the variances and axes of anisotropic samples without the covariance", () => {
    const random = seededRandom(4);
    const deviations = Array.from({ length: 120 }, (_, j) => (j < 3 ? 9 - 2 * j : 0.5));
    const samples = matrixOf(
      Array.from({ length: 3000 }, () => deviations.map((deviation) => deviation * random.gaussian())),
    );
    const { values, basis } = leadingEigen(samples, meanRow(samples), 3, random);
    [81, 49, 25].forEach((variance, k) => {
      expect((values[k] ?? 0) / variance).toBeCloseTo(1, 0.9);
      expect(Math.abs(row(basis, k)[k] ?? 0)).toBeGreaterThan(0.99);
      expect(dot(row(basis, k), row(basis, k))).toBeCloseTo(1, 5);
    });
    expect(dot(row(basis, 0), row(basis, 1))).toBeCloseTo(0, 5);
  });
});
