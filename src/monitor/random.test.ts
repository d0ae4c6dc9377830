import { describe, expect, it } from "vitest";
import { seededRandom, shuffle, xoshiro128 } from "./random.ts";

describe("random numbers", () => {
  it("xoshiro128** from state 1, 2, 3, 4 gives the published outputs", () => {
    const random = xoshiro128([1, 2, 3, 4]);
    // First by hand: 2 · 5 = 10, rotated left by 7 is 1280, times 9 is 11520.
    expect([random.uint32(), random.uint32(), random.uint32(), random.uint32()]).toEqual([11520, 0, 5927040, 70819200]);
  });

  it("one seed gives one stream, near seeds give unlike ones", () => {
    const stream = (seed: number): number[] => Array.from({ length: 4 }, seededRandom(seed).uint32);
    expect(stream(7)).toEqual(stream(7));
    expect(stream(7).filter((value, i) => value === stream(8)[i])).toEqual([]);
  });

  it("normals have mean 0, variance 1 and a kurtosis of 3", () => {
    const random = seededRandom(1);
    const values = Float64Array.from({ length: 100_000 }, () => random.gaussian());
    const moment = (k: number): number => values.reduce((sum, value) => sum + value ** k, 0) / values.length;
    expect(moment(1)).toBeCloseTo(0, 1);
    expect(moment(2)).toBeCloseTo(1, 1);
    expect(moment(4)).toBeGreaterThan(2.9);
    expect(moment(4)).toBeLessThan(3.1);
  });

  it("a shuffle keeps every item and puts each anywhere", () => {
    const random = seededRandom(3);
    const firsts = new Set(Array.from({ length: 100 }, () => shuffle([1, 2, 3, 4], random)[0]));
    expect(firsts.size).toBe(4);
    expect(shuffle([1, 2, 3, 4], random).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  });
});
