import { describe, expect, it } from "vitest";
import { seededRandom } from "../../monitor/index.ts";
import { ratioBound, turnsWithin } from "./latency.ts";

describe("turnsWithin", () => {
  it.each([
    ["a slow model", 5000, 8],
    ["a fast one", 200, 25],
    ["one that takes no time", 0, 60],
  ])("for %s stays within bounds", (_, oneMs, count) => {
    expect(turnsWithin(5000, oneMs)).toBe(count);
  });
});

describe("ratioBound", () => {
  const times = (scale: number, seed: number): Float64Array => {
    const random = seededRandom(seed);
    return Float64Array.from({ length: 100 }, () => scale * (1 + 0.1 * random.uniform()));
  };
  it("of the same times is 1", () => {
    expect(ratioBound(times(3, 1), times(3, 1), 0.05, seededRandom(1))).toBe(1);
  });
  it("lies above the ratio, and the further the smaller alpha is", () => {
    const bound = (alpha: number): number => ratioBound(times(2, 1), times(1, 2), alpha, seededRandom(1));
    expect(bound(0.05)).toBeGreaterThanOrEqual(2);
    expect(bound(0.05)).toBeLessThan(2.2);
    expect(bound(0.001)).toBeGreaterThanOrEqual(bound(0.05));
  });
  it("is not fooled by one slow input of the other model", () => {
    const other = times(1, 2);
    other[7] = 100;
    expect(ratioBound(times(2, 1), other, 0.05, seededRandom(1))).toBeGreaterThan(1.8);
  });
});
