import { describe, expect, it } from "vitest";
import { chiSquaredTail } from "./distributions.ts";
import { matrixOf } from "./matrix.ts";
import { type Random, seededRandom } from "./random.ts";
import { buildReference, type Reference } from "./reference.ts";
import { type Sketch, SketchMismatch, sketcher } from "./sketch.ts";
import { topicMatrix, topicVector } from "./traffic.fixture.ts";
import { windowTest } from "./window-test.ts";

const settings = { features: "Whitened", minimumEffect: 0, minVectors: 30 } as const;

const equal = (count: number, mean: number): number[] => Array.from({ length: count }, () => mean);

describe("windowTest by hand, d = 1", () => {
  const built = buildReference({
    model: "m",
    inputs: "i",
    embeddings: topicMatrix(200, 2, seededRandom(1)),
    blockSize: 8,
    seed: 1,
  });
  const reference: Reference = {
    ...built,
    dimension: 1,
    blocks: matrixOf([[1], [-1], [1], [-1]]),
    fourierBlocks: matrixOf(Array.from({ length: 4 }, () => new Float32Array(256))),
    whitening: {
      mean: Float64Array.of(0),
      basis: matrixOf([[1]]),
      variances: Float64Array.of(1),
      residual: 1,
      ridge: 0,
    },
  };
  const live = (means: number[]): Sketch[] =>
    means.map((mean, block) => ({ ...sketcher(reference).start(block), n: 50, sum: Float64Array.of(50 * mean) }));

  it("eight equal blocks at 3: T = 9, Ω = 4/(4·3), p = P(χ²₁ > 27)", () => {
    const test = windowTest(live(equal(8, 3)), reference, settings);
    expect(test).toMatchObject({ blocks: 8, n: 400 });
    expect(test?.statistic).toBeCloseTo(9, 12);
    expect(test?.effect).toBeCloseTo(Math.sqrt(9 - 1 / 3), 12);
    expect(test?.p).toBeCloseTo(chiSquaredTail(27, 1), 12);
  });

  it("with a minimum effect of 2 only the 1 beyond it counts: p = P(χ²₁ > 3)", () => {
    const test = windowTest(live(equal(8, 3)), reference, { ...settings, minimumEffect: 2 });
    expect(test?.p).toBeCloseTo(chiSquaredTail(3, 1), 10);
  });

  it("within the minimum effect p is 1", () => {
    expect(windowTest(live(equal(8, 0.4)), reference, { ...settings, minimumEffect: 0.5 })?.p).toBe(1);
  });

  // Centred values are ±1, L = 2 with weights 2/3 and 1/3: the sums of products at lags 0, 1 and 2 are 8, 5, 2 and 8, −7, 6.
  it.each([
    ["go together", [2, 2, 2, 2, 0, 0, 0, 0], 8 + 2 * ((2 / 3) * 5 + (1 / 3) * 2)],
    ["alternate", [2, 0, 2, 0, 2, 0, 2, 0], 8 + 2 * ((2 / 3) * -7 + (1 / 3) * 6)],
  ])("blocks that %s: Ω is their long-run covariance", (_, means, sum) => {
    const omega = sum / (8 * 7) + 1 / 3;
    expect(windowTest(live(means), reference, settings)?.p).toBeCloseTo(chiSquaredTail(1 / omega, 1), 10);
  });

  it("too few counted blocks say nothing, another reference is refused", () => {
    expect(windowTest(live(equal(7, 3)), reference, settings)).toBeNull();
    const short = live(equal(8, 3)).map((sketch, i) => ({ ...sketch, n: i === 0 ? 29 : 50 }));
    expect(windowTest(short, reference, settings)).toBeNull();
    expect(() => windowTest(live([1]), { ...reference, hash: "x" }, settings)).toThrow(SketchMismatch);
  });
});

describe("windowTest on traffic", () => {
  const d = 16;
  const reference = buildReference({
    model: "m",
    inputs: "i",
    embeddings: topicMatrix(4500, d, seededRandom(1)),
    blockSize: 30,
    seed: 2,
  });
  const { start, add } = sketcher(reference);

  function window(random: Random, bursts: boolean, shift: number): Sketch[] {
    return Array.from({ length: 24 }, (_, block) => {
      const sketch = start(block);
      for (let i = 0, left = 0, topic = 0; i < 32; i++, left--) {
        if (left === 0) [left, topic] = [5 + random.integer(11), random.integer(10)];
        add(sketch, topicVector(d, random, bursts ? { topic, shift } : { shift }));
      }
      return sketch;
    });
  }

  it.each([
    ["independent vectors", false],
    ["bursts of ten from one topic", true],
  ])("%s: few false alarms at 0.05 in both features, and a shift is seen", (_, bursts) => {
    const random = seededRandom(bursts ? 21 : 20);
    const rejected = { Whitened: 0, Fourier: 0 };
    for (let run = 0; run < 40; run++) {
      const live = window(random, bursts, 0);
      for (const features of ["Whitened", "Fourier"] as const) {
        if ((windowTest(live, reference, { ...settings, features })?.p ?? 0) < 0.05) rejected[features]++;
      }
    }
    // 2 are expected; 7 or more have a probability of 0.3 %.
    expect(rejected.Whitened).toBeLessThan(7);
    expect(rejected.Fourier).toBeLessThan(7);
    const shifted = window(random, bursts, 1);
    expect(windowTest(shifted, reference, { ...settings, features: "Whitened" })?.p).toBeLessThan(1e-4);
    expect(windowTest(shifted, reference, { ...settings, features: "Fourier" })?.p).toBeLessThan(1e-4);
  });
});
