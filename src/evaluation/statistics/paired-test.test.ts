import { describe, expect, it } from "vitest";
import { seededRandom } from "../../monitor/random.ts";
import { bootstrapQuantile, bootstrapTail } from "./bootstrap.ts";
import { lowerBound, nonInferiority, type Paired, superiority } from "./paired-test.ts";
import { bySource } from "./source-means.ts";

/** Rows of which a share is lost, a share gained, and the others are alike right. */
function rows(n: number, lost: number, gained: number): Paired {
  const kinds = Array.from({ length: n }, (_, i) => (i < lost ? "lost" : i < lost + gained ? "gained" : "same"));
  return {
    candidate: kinds.map((kind) => (kind === "lost" ? 0 : 1)),
    other: kinds.map((kind) => (kind === "gained" ? 0 : 1)),
    sources: kinds.map((_, i) => i),
  };
}

const settings = { alpha: 0.025, margin: 0.02, seed: 7 };

describe("the bootstrap", () => {
  const halves = bySource([...Array(50).fill(0), ...Array(50).fill(1)], Array.from(Array(100).keys()));

  it("spreads like the standard error", () => {
    // Mean .5, standard error sqrt(.25/100) = .05.
    expect(bootstrapQuantile(halves, 0.025, 2000, 1)).toBeCloseTo(0.5 - 1.96 * 0.05, 1);
    expect(bootstrapQuantile(halves, 0.975, 2000, 1)).toBeCloseTo(0.5 + 1.96 * 0.05, 1);
  });

  // Exact binomial tails of 100 draws at one half; R: pbinom(40, 100, .5) and so on.
  it.each([
    [0.5, 0.5397946],
    [0.4, 0.02844397],
    [0.3, 3.92507e-5],
    [0.24, 9.050013e-8],
    [0.2, 5.579545e-10],
  ])("has the tail at %f that is exactly %f, of whatever size", (value, tail) => {
    const found = [1, 2, 3].map((seed) => bootstrapTail(halves, value + 1e-12, 2000, seed));
    for (const p of found) expect(Math.abs(p / tail - 1)).toBeLessThan(0.2);
    expect(bootstrapQuantile(halves, tail, 2000, 4)).toBeCloseTo(value, 1.5);
  });

  it("is the same distribution whether sources are alike or not", () => {
    // A value that differs in the last place makes every source its own kind.
    const few = Array.from({ length: 120 }, (_, i) => (i % 6 === 0 ? 0 : 1));
    const many = few.map((value, i) => value + i * 1e-9);
    const sources = few.map((_, i) => Math.floor(i / 1.5));
    const [a, b] = [bySource(few, sources), bySource(many, sources)];
    for (const p of [1e-8, 1e-4, 0.025, 0.25, 0.5, 0.75, 0.975]) {
      const quantile = bootstrapQuantile(a, p, 4000, 4);
      expect(quantile).toBeCloseTo(bootstrapQuantile(b, p, 4000, 4), 1.8);
      const tails = [a, b].map((scores) => Math.log(bootstrapTail(scores, quantile + 1e-6, 4000, 4)));
      expect(Math.abs((tails[0] ?? 0) - (tails[1] ?? 9))).toBeLessThan(0.15);
    }
  });

  it("is the same for the same seed and another for another", () => {
    const data = bySource([0.1, 0.5, 0.9, 0.3], [0, 1, 2, 3]);
    expect(bootstrapTail(data, 0.3, 100, 3)).toBe(bootstrapTail(data, 0.3, 100, 3));
    expect(bootstrapTail(data, 0.3, 100, 3)).not.toBe(bootstrapTail(data, 0.3, 100, 4));
  });

  it("of sources that are all alike has no spread", () => {
    const alike = bySource([1, 1, 1], [0, 1, 2]);
    expect(bootstrapQuantile(alike, 1e-8, 100, 1)).toBe(1);
    expect([0.9, 1].map((value) => bootstrapTail(alike, value, 100, 1))).toEqual([0, 1]);
  });
});

describe("nonInferiority", () => {
  it.each([
    ["alike", rows(1000, 10, 10), true],
    ["slightly worse, within the margin", rows(1000, 12, 8), true],
    ["worse by the margin", rows(1000, 30, 10), false],
    ["worse by half of the margin, not ruled out", rows(1000, 20, 10), false],
    ["much worse", rows(1000, 100, 0), false],
  ])("%s", (_, paired, passes) => {
    const { p, bound } = nonInferiority(paired, settings);
    expect(p <= settings.alpha).toBe(passes);
    expect(bound > -settings.margin).toBe(passes);
  });

  it("says how many sources it needs", () => {
    expect(nonInferiority(rows(1000, 25, 25), settings)).toMatchObject({ n: 1000, difference: 0, needed: 1001 });
  });

  it("counts sources and not rows", () => {
    const once = rows(200, 4, 4);
    const tenfold = {
      candidate: Array.from({ length: 2000 }, (_, i) => once.candidate[i % 200] ?? 0),
      other: Array.from({ length: 2000 }, (_, i) => once.other[i % 200] ?? 0),
      sources: Array.from({ length: 2000 }, (_, i) => i % 200),
    };
    const [single, copied] = [nonInferiority(once, settings), nonInferiority(tenfold, settings)];
    expect(copied.n).toBe(200);
    expect(copied.needed).toBeGreaterThan(0.8 * single.needed);
    expect(Math.abs(copied.bound - single.bound)).toBeLessThan(0.008);
  });

  it.each(Array.from({ length: 20 }, (_, uses) => uses))(
    "rules out a loss of the margin after %i promotions, where there is none",
    (uses) => {
      // Decision 18: .05/2^(uses + 1), here for two claims by Holm.
      const alpha = 0.05 / 2 ** (uses + 1) / 2;
      const { p, bound, n, needed } = nonInferiority(rows(2000, 0, 0), { ...settings, alpha });
      expect(n).toBeGreaterThanOrEqual(needed);
      expect(p).toBeLessThan(alpha);
      expect(bound).toBeGreaterThan(-settings.margin);
      const lost = nonInferiority(rows(2000, 40, 0), { ...settings, alpha });
      expect(lost.p).toBeGreaterThan(alpha);
      expect(lost.bound).toBeLessThan(-settings.margin);
    },
  );

  it("of nothing is no number, never a pass", () => {
    expect(nonInferiority(rows(0, 0, 0), settings)).toMatchObject({ n: 0, needed: 1, p: Number.NaN });
  });

  /**
   * The error rate at the worst null, a true loss of exactly the margin (decision 17): at most the level, up to the
   * simulation's own error. The naive rule lets the same candidates through many times as often.
   */
  it.each([
    { n: 500, lost: 0.06, gained: 0.04, alpha: 0.05, naively: 0.4 },
    { n: 600, lost: 0.021, gained: 0.001, alpha: 0.05, naively: 0.03 },
    { n: 800, lost: 0.05, gained: 0.03, alpha: 0.025, naively: 0.3 },
  ])(
    "lets a loss of the margin through at most at its level: $n, $lost, $gained, $alpha",
    ({ n, lost, gained, alpha, naively }) => {
      const random = seededRandom(2026);
      const trials = 400;
      let passed = 0;
      let naive = 0;
      for (let t = 0; t < trials; t++) {
        const draws = Array.from({ length: n }, () => random.uniform());
        const paired = {
          candidate: draws.map((u) => (u < lost ? 0 : 1)),
          other: draws.map((u) => (u >= lost && u < lost + gained ? 0 : 1)),
          sources: draws.map((_, i) => i),
        };
        const given = { alpha, margin: 0.02, seed: t, resamples: 400 };
        if (nonInferiority(paired, given).p <= alpha) passed += 1;
        // Pass unless significantly worse: the candidate's loss must be proven.
        const swapped = { ...paired, candidate: paired.other, other: paired.candidate };
        if (superiority(swapped, given).p > alpha) naive += 1;
      }
      const error = Math.sqrt((alpha * (1 - alpha)) / trials);
      expect(passed / trials).toBeLessThan(alpha + 2.5 * error);
      expect(naive / trials).toBeGreaterThan(naively);
    },
  );

  it("has 80 % power at the sample it asks for", () => {
    const random = seededRandom(11);
    const { needed } = nonInferiority(rows(2000, 40, 40), settings);
    let passed = 0;
    for (let t = 0; t < 200; t++) {
      const draws = Array.from({ length: needed }, () => random.uniform());
      const paired = {
        candidate: draws.map((u) => (u < 0.02 ? 0 : 1)),
        other: draws.map((u) => (u > 0.98 ? 0 : 1)),
        sources: draws.map((_, i) => i),
      };
      if (nonInferiority(paired, { ...settings, seed: t, resamples: 400 }).p <= settings.alpha) passed += 1;
    }
    expect(passed / 200).toBeGreaterThan(0.7);
  });
});

describe("superiority", () => {
  it.each([
    ["clearly better", rows(1000, 10, 60), true],
    ["alike", rows(1000, 20, 20), false],
    ["a little better", rows(1000, 20, 26), false],
    ["no pair differs", rows(1000, 0, 0), false],
  ])("%s", (_, paired, passes) => {
    const { p, bound } = superiority(paired, settings);
    expect(p <= settings.alpha).toBe(passes);
    expect(bound > 0).toBe(passes);
  });
});

describe("lowerBound", () => {
  it("lies below the mean by about two standard errors", () => {
    const scores = Array.from({ length: 400 }, (_, i) => (i % 5 === 0 ? 0 : 1));
    const { value, bound, n } = lowerBound(
      scores,
      scores.map((_, i) => i),
      { alpha: 0.025, seed: 5 },
    );
    expect(value).toBeCloseTo(0.8, 12);
    expect(n).toBe(400);
    expect(bound).toBeCloseTo(0.8 - 1.96 * 0.02 - 0.002, 2);
  });
});
