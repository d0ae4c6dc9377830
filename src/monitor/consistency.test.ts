import { describe, expect, it } from "vitest";
import { calibrateThreshold, consistencyScore, drawSqueezer, isFlagged } from "./consistency.ts";
import { seededRandom } from "./random.ts";

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe("consistencyScore", () => {
  it.each([
    [[1, 0], [1, 0], 0],
    [[1, 0], [0, 5], 1],
    [[1, 0], [-3, 0], 2],
    [[0, 0], [1, 0], 1],
    [[Number.NaN, 0], [1, 0], 2],
  ])("of %j and %j is %d", (x, y, score) => {
    expect(consistencyScore(x, y)).toBeCloseTo(score, 12);
  });
  it("refuses vectors of two lengths", () => {
    expect(() => consistencyScore([1], [1, 2])).toThrow("1 and 2 numbers");
  });
});

describe("calibrateThreshold", () => {
  it("by hand: of 199 scores at 1 % the two largest are flagged, the second with probability ½", () => {
    expect(calibrateThreshold(upTo(199), [], 0.01)).toEqual({ score: 198, tie: 0.5 });
  });

  it("the larger threshold counts, of clean inputs or of a benign family", () => {
    const doubled = upTo(199).map((value) => 2 * value);
    expect(calibrateThreshold(upTo(199), [doubled], 0.01)?.score).toBe(396);
    expect(calibrateThreshold(doubled, [upTo(199), upTo(99)], 0.01)?.score).toBe(396);
    expect(calibrateThreshold(new Float64Array(199).fill(1), [[...new Float64Array(198), 1]], 0.02)).toEqual({
      score: 1,
      tie: 0.02,
    });
  });

  it("a set that is too small for the rate gives none", () => {
    expect(calibrateThreshold(upTo(98), [], 0.01)).toBeNull();
    expect(calibrateThreshold(upTo(99), [], 0.01)).not.toBeNull();
    expect(calibrateThreshold(upTo(500), [[]], 0.01)).toBeNull();
  });

  it.each([
    ["all different", (random: () => number) => random()],
    ["mostly equal", (random: () => number) => Math.floor(1.2 * random())],
    ["all equal", () => 0],
  ])("flags as often as the rate says, on average over calibrations: scores %s", (_, draw) => {
    const random = seededRandom(4);
    let flagged = 0;
    for (let round = 0; round < 4000; round++) {
      const threshold = calibrateThreshold(
        Array.from({ length: 39 }, () => draw(random.uniform)),
        [],
        0.1,
      );
      if (threshold && isFlagged(threshold, draw(random.uniform), random.uniform())) flagged++;
    }
    // 400 are expected with a standard deviation of 19.
    expect(Math.abs(flagged - 400)).toBeLessThan(76);
  });
});

describe("drawSqueezer", () => {
  it("gives each of them its share of the unit interval", () => {
    const drawn = [0, 0.32, 0.34, 0.65, 0.67, 0.9999].map((u) => drawSqueezer(["a", "b", "c"], u));
    expect(drawn).toEqual(["a", "a", "b", "b", "c", "c"]);
  });
});
