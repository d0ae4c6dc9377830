import { describe, expect, it } from "vitest";
import { seededRandom } from "../../monitor/random.ts";
import { bootstrapMeans, lowerQuantile } from "./bootstrap.ts";
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

describe("bootstrapMeans", () => {
  it("spreads like the standard error", () => {
    const means = bootstrapMeans(
      bySource([...Array(50).fill(0), ...Array(50).fill(1)], Array.from(Array(100).keys())),
      10_000,
      1,
    );
    // Mean .5, standard error sqrt(.25/100) = .05.
    expect(lowerQuantile(means, 0.025)).toBeCloseTo(0.5 - 1.96 * 0.05, 1);
    expect(lowerQuantile(means, 0.975)).toBeCloseTo(0.5 + 1.96 * 0.05, 1);
  });

  it("is the same distribution whether sources are alike or not", () => {
    // A value that differs in the last place makes every source its own kind.
    const few = Array.from({ length: 120 }, (_, i) => (i % 6 === 0 ? 0 : 1));
    const many = few.map((value, i) => value + i * 1e-9);
    const sources = few.map((_, i) => Math.floor(i / 1.5));
    const [a, b] = [few, many].map((scores) => bootstrapMeans(bySource(scores, sources), 10_000, 4));
    for (const p of [0.025, 0.25, 0.5, 0.75, 0.975]) {
      expect(lowerQuantile(a ?? new Float64Array(), p)).toBeCloseTo(lowerQuantile(b ?? new Float64Array(), p), 1.8);
    }
  });

  it("is the same for the same seed and another for another", () => {
    const data = bySource([0.1, 0.5, 0.9, 0.3], [0, 1, 2, 3]);
    expect(bootstrapMeans(data, 100, 3)).toEqual(bootstrapMeans(data, 100, 3));
    expect(bootstrapMeans(data, 100, 3)).not.toEqual(bootstrapMeans(data, 100, 4));
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
