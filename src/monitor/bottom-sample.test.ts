import { describe, expect, it } from "vitest";
import { blockAt, blockEnd } from "./block-clock.ts";
import { type BottomSample, bottomSample, isSampled, mergeSamples, offer } from "./bottom-sample.ts";

const keys = Array.from({ length: 300 }, (_, i) => `client-${i}`);
const fill = (some: string[], seed = "s"): BottomSample<string> =>
  some.reduce((sample, key) => offer(sample, key, key), bottomSample<string>(seed, 20));
const kept = (sample: BottomSample<string>): string[] => sample.items.map(({ key }) => key);

describe("bottomSample", () => {
  it("depends on the keys only, not on order or repeats", () => {
    expect(kept(fill(keys))).toHaveLength(20);
    expect(kept(fill(keys.toReversed()))).toEqual(kept(fill(keys)));
    expect(kept(fill(keys.flatMap((key) => [key, key, key])))).toEqual(kept(fill(keys)));
  });

  it("merge is union", () => {
    const merged = mergeSamples(fill(keys.slice(0, 100)), fill(keys.slice(80)));
    expect(merged).toEqual(fill(keys));
    expect(() => mergeSamples(fill(keys), fill(keys, "t"))).toThrow(RangeError);
  });

  it("is uniform: over seeds each key is kept about 20/300 of the time", () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 300; seed++) {
      for (const key of kept(fill(keys, `seed-${seed}`))) seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    const counts = keys.map((key) => seen.get(key) ?? 0);
    // 20 are expected with a standard deviation of 4.3.
    expect(Math.max(...counts)).toBeLessThan(42);
    expect(Math.min(...counts)).toBeGreaterThan(2);
  });

  it("isSampled takes its share, the same each time, and a larger share holds the smaller", () => {
    const of = (share: number): string[] => keys.filter((key) => isSampled("s", key, share));
    expect(of(0)).toEqual([]);
    expect(of(1)).toEqual(keys);
    expect(Math.abs(of(0.5).length - 150)).toBeLessThan(35);
    expect(of(0.5)).toEqual(expect.arrayContaining(of(0.2)));
  });
});

describe("blocks of the wall clock", () => {
  it("are numbered from the epoch and end where the next begins", () => {
    expect(blockAt(0, 60_000)).toBe(0);
    expect(blockAt(59_999, 60_000)).toBe(0);
    expect(blockAt(60_000, 60_000)).toBe(1);
    expect(blockAt(blockEnd(7, 2000), 2000)).toBe(8);
  });
});
