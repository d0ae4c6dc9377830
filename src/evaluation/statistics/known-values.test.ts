import { describe, expect, it } from "vitest";
import { jackknifeGroup, jackknifeTest } from "./jackknife.ts";
import { mcnemar } from "./mcnemar.ts";
import { normalQuantile } from "./normal.ts";
import { sampleSize } from "./sample-size.ts";
import { bySource, mean, sourceVariance } from "./source-means.ts";
import { studentQuantile, studentTail } from "./student.ts";

describe("normalQuantile", () => {
  // R: qnorm
  it.each([
    [0.5, 0],
    [0.8, 0.8416212],
    [0.975, 1.959964],
    [0.025, -1.959964],
    [0.9999, 3.719016],
    [1e-9, -5.997807],
    [1e-13, -7.348796],
  ])("of %f is %f", (p, z) => {
    expect(normalQuantile(p)).toBeCloseTo(z, 5);
  });

  it.each([0, 1, -1, Number.NaN])("refuses %f", (p) => {
    expect(() => normalQuantile(p)).toThrow(RangeError);
  });
});

describe("Student's t", () => {
  // R: qt(.975, 19), pt(-2, 5), qt(.95, 1)
  it("has the values of the tables", () => {
    expect(studentQuantile(0.025, 19)).toBeCloseTo(2.093024, 5);
    expect(studentTail(2, 5)).toBeCloseTo(0.05096974, 7);
    expect(studentQuantile(0.05, 1)).toBeCloseTo(6.313752, 5);
    expect(studentTail(0, 7)).toBeCloseTo(0.5, 12);
  });
});

describe("mcnemar", () => {
  // Binomial sums by hand: 2·(1 + 6)/2⁶; 2·1/2⁵; R: binom.test(4, 20)$p.value
  it.each([
    [5, 1, 0.21875],
    [0, 5, 0.0625],
    [4, 16, 0.01181793],
    [3, 3, 1],
    [0, 0, 1],
  ])("of %i gained and %i lost is %f", (gained, lost, p) => {
    expect(mcnemar(gained, lost)).toBeCloseTo(p, 7);
    expect(mcnemar(lost, gained)).toBeCloseTo(p, 7);
  });
});

describe("sampleSize", () => {
  it.each([
    // (1.959964 + .841621)² = 7.848880; · .05/.02² = 981.1; · .03/.02² = 588.7
    [0.05, 0.02, 0.025, 982],
    [0.03, 0.02, 0.025, 589],
    // (1.644854 + .841621)² = 6.182557; · .05/.02² = 772.8
    [0.05, 0.02, 0.05, 773],
    // No pair differs: ln .05 / ln .98 = 148.3
    [0, 0.02, 0.05, 149],
  ])("for variance %f, margin %f, alpha %f is %i", (variance, margin, alpha, n) => {
    expect(sampleSize(variance, margin, alpha)).toBe(n);
  });

  it("without a margin is out of reach", () => {
    expect(sampleSize(0.05, 0, 0.05)).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe("bySource", () => {
  it("sums rows of one source, whatever number names it", () => {
    const grouped = bySource([1, 0, 1, 1], [9, 4, 9, 7]);
    expect([...grouped.sums]).toEqual([2, 0, 1]);
    expect([...grouped.counts]).toEqual([2, 1, 1]);
    expect(mean(grouped)).toBe(0.75);
  });

  it("gives the usual variance when each source has one row", () => {
    expect(sourceVariance(bySource([1, 0, 0, 1], [0, 1, 2, 3]))).toBeCloseTo(1 / 3, 12);
  });

  it("refuses rows without a source", () => {
    expect(() => bySource([1, 2], [1])).toThrow("2 scores have 1 sources");
  });
});

describe("jackknifeTest", () => {
  it("of a mean of groups is the t-test", () => {
    // Four group means 1, 2, 3, 4: mean 2.5, standard error sqrt((5/3)/4); leaving one out gives (10 − x)/3.
    const without = [1, 2, 3, 4].map((x) => (10 - x) / 3);
    const { variance, bound, p } = jackknifeTest(2.5, without, 0, 0.05);
    expect(variance).toBeCloseTo(5 / 12, 10);
    expect(bound).toBeCloseTo(2.5 - 2.353363 * Math.sqrt(5 / 12), 5);
    expect(p).toBeCloseTo(studentTail(2.5 / Math.sqrt(5 / 12), 3), 10);
  });

  it("deals sources out evenly and whole", () => {
    expect([...jackknifeGroup([5, 6, 5, 7, 6], 2)]).toEqual([0, 1, 0, 0, 1]);
  });
});
