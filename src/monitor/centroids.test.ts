import { describe, expect, it } from "vitest";
import { type Nearest, nearestCentroid, sphericalKMeans } from "./centroids.ts";
import { cosine, matrixOf, norm, row } from "./matrix.ts";
import { seededRandom } from "./random.ts";

describe("spherical k-means", () => {
  it("finds separated directions, whatever the lengths", () => {
    const random = seededRandom(1);
    const axes = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, -1],
    ];
    const rows = Array.from({ length: 300 }, (_, i) => {
      const length = 1 + 9 * random.uniform();
      return axes[i % 3]!.map((value) => length * (value + 0.05 * random.gaussian()));
    });
    const centroids = sphericalKMeans(matrixOf(rows), 3, seededRandom(2));
    for (const axis of axes) {
      const best = Math.max(...[0, 1, 2].map((c) => cosine(row(centroids, c), axis)));
      expect(best).toBeGreaterThan(0.999);
    }
  });

  it("gives unit rows and never more than there are samples", () => {
    const centroids = sphericalKMeans(
      matrixOf([
        [3, 4],
        [5, 12],
      ]),
      64,
      seededRandom(1),
    );
    expect(centroids.rows).toBe(2);
    expect(norm(row(centroids, 0))).toBeCloseTo(1, 6);
  });
});

describe("nearestCentroid", () => {
  it("agrees with the largest cosine, for counts that four divides and others", () => {
    const random = seededRandom(3);
    for (const count of [1, 3, 4, 5, 11]) {
      const vector = (): number[] => Array.from({ length: 7 }, () => random.gaussian());
      const centroids = sphericalKMeans(matrixOf(Array.from({ length: count }, vector)), count, random);
      const x = Float32Array.from(vector());
      const nearest: Nearest = { index: -1, cosine: 0 };
      nearestCentroid(centroids, x, norm(x), nearest);
      const cosines = Array.from({ length: count }, (_, c) => cosine(row(centroids, c), x));
      expect(nearest.cosine).toBeCloseTo(Math.max(...cosines), 5);
      expect(cosines[nearest.index]).toBe(Math.max(...cosines));
    }
  });

  it("a zero vector has cosine 0", () => {
    const nearest: Nearest = { index: -1, cosine: 9 };
    nearestCentroid(matrixOf([[1, 0]]), new Float32Array(2), 0, nearest);
    expect(nearest.cosine).toBe(0);
  });
});
