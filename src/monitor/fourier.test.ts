import { describe, expect, it } from "vitest";
import { fourierFeatures, medianDistance } from "./fourier.ts";
import { difference, dot, matrixOf, norm } from "./matrix.ts";
import { seededRandom } from "./random.ts";

function features(
  settings: { dimension: number; features: number; seed: number; sigma: number },
  x: Float32Array,
): Float64Array {
  const sums = new Float64Array(settings.features);
  fourierFeatures(settings).add(x, sums);
  return sums;
}

describe("fourierFeatures", () => {
  it("of the zero vector are √(2/D) cosines and no sines", () => {
    const phi = features({ dimension: 5, features: 8, seed: 1, sigma: 1 }, new Float32Array(5));
    expect([...phi]).toEqual([0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0]);
  });

  it("by hand for d = 1: the rows are orthogonal, so the squared frequencies add up to (D/2)/σ²", () => {
    const phi = features({ dimension: 1, features: 16, seed: 9, sigma: 2 }, Float32Array.of(0.25));
    const frequencies = Array.from({ length: 8 }, (_, j) => Math.atan2(phi[8 + j]!, phi[j]!) / 0.25);
    expect(frequencies.reduce((sum, omega) => sum + omega * omega, 0)).toBeCloseTo(8 / 4, 10);
  });

  it("have length 1, whatever the input", () => {
    const phi = features({ dimension: 48, features: 256, seed: 3, sigma: 1 }, new Float32Array(48).fill(0.3));
    expect(dot(phi, phi)).toBeCloseTo(1, 12);
  });

  it.each([4, 20, 100, 300])("φ(x)·φ(y) is near exp(−‖x − y‖²/2σ²) on average over seeds, d = %i", (dimension) => {
    const random = seededRandom(dimension);
    const vector = (): Float32Array =>
      Float32Array.from({ length: dimension }, () => random.gaussian() / Math.sqrt(dimension));
    for (const scale of [0.3, 1]) {
      const [x, y] = [vector(), vector()].map((v) => v.map((value) => value * scale));
      if (!x || !y) throw new Error("no vectors");
      let mean = 0;
      for (let seed = 0; seed < 60; seed++) {
        const settings = { dimension, features: 256, seed, sigma: 0.9 };
        mean += dot(features(settings, x), features(settings, y)) / 60;
      }
      expect(mean).toBeCloseTo(Math.exp(-(norm(difference(x, y)) ** 2) / (2 * 0.81)), 1.7);
    }
  });

  it("adds to what is there", () => {
    const settings = { dimension: 3, features: 8, seed: 1, sigma: 1 };
    const sums = features(settings, Float32Array.of(1, 2, 3));
    const twice = sums.slice();
    fourierFeatures(settings).add(Float32Array.of(1, 2, 3), twice);
    twice.forEach((value, j) => expect(value).toBeCloseTo(2 * sums[j]!, 12));
  });
});

describe("medianDistance", () => {
  it("is the distance when there is only one", () => {
    expect(
      medianDistance(
        matrixOf([
          [0, 0],
          [3, 4],
        ]),
        seededRandom(1),
      ),
    ).toBe(5);
  });
  it("refuses equal vectors", () => {
    expect(() => medianDistance(matrixOf([[1], [1], [1]]), seededRandom(1))).toThrow(/no bandwidth/);
  });
});
