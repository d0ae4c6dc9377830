import { describe, expect, it } from "vitest";
import { seededRandom } from "../../monitor/index.ts";
import { effectiveRank } from "./effective-rank.ts";
import { alignment, silhouette, uniformity } from "./geometry.ts";

describe("effectiveRank", () => {
  it("counts directions of equal spread: ±e₁, ±e₂ in three dimensions have rank 2", () => {
    const vectors = Float32Array.of(1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0);
    expect(effectiveRank(vectors, 3)).toBeCloseTo(2, 10);
  });

  it("is exp of the spectrum's entropy: variances 3 : 1", () => {
    const s = Math.sqrt(3);
    const vectors = Float32Array.of(s, 0, -s, 0, 0, 1, 0, -1);
    const entropy = -(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25));
    expect(effectiveRank(vectors, 2)).toBeCloseTo(Math.exp(entropy), 5);
  });

  it("of a collapsed model is 0, of one line 1, of isotropic noise near d", () => {
    expect(effectiveRank(new Float32Array(30).fill(0.3), 3)).toBe(0);
    expect(
      effectiveRank(
        Float32Array.from({ length: 30 }, (_, i) => (i % 3) * Math.floor(i / 3)),
        3,
      ),
    ).toBeCloseTo(1, 5);
    const random = seededRandom(1);
    expect(
      effectiveRank(
        Float32Array.from({ length: 4000 }, () => random.gaussian()),
        4,
      ),
    ).toBeGreaterThan(3.95);
  });

  it("leaves rows out", () => {
    const vectors = Float32Array.of(1, 0, -1, 0, 0, 5);
    expect(effectiveRank(vectors, 2, (row) => row < 2)).toBeCloseTo(1, 10);
  });
});

describe("geometry", () => {
  const square = Float32Array.of(1, 0, 0, 1, -1, 0, 0, -1);

  it("alignment is the mean squared distance of views", () => {
    expect(alignment(square, square, 2)).toBe(0);
    expect(alignment(Float32Array.of(1, 0), Float32Array.of(0, 1), 2)).toBe(2);
  });

  it("uniformity of a square: four pairs at 2 and two at 4", () => {
    expect(uniformity(square, 2)).toBeCloseTo(Math.log((4 * Math.exp(-4) + 2 * Math.exp(-8)) / 6), 10);
  });

  it("silhouette is 1 for points that coincide within labels and are apart between, and −1 the other way round", () => {
    const vectors = Float32Array.of(1, 0, 1, 0, -1, 0, -1, 0);
    expect(silhouette(vectors, 2, [0, 0, 1, 1])).toBeCloseTo(1, 6);
    expect(silhouette(vectors, 2, [0, 1, 0, 1])).toBeCloseTo(-0.5, 6);
  });
});
