import { describe, expect, it } from "vitest";
import { compact, expand, packedLength, packMultiples, unpackMultiples } from "./compact-vector.ts";
import { seededRandom } from "./random.ts";

describe("a compact vector", () => {
  it("is rounded to 1/2047 of its largest number", () => {
    expect(compact(Float64Array.of(-20.47, 0.014, 0.016))).toEqual({
      unit: 0.01,
      multiples: Int16Array.of(-2047, 1, 2),
    });
    const random = seededRandom(1);
    const values = Float64Array.from({ length: 100 }, () => random.gaussian());
    const largest = Math.max(...values.map(Math.abs));
    expand(compact(values)).forEach((value, i) =>
      expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(largest / 4094 + 1e-12),
    );
  });

  it("of zeros is zeros", () => {
    expect([...expand(compact(new Float64Array(3)))]).toEqual([0, 0, 0]);
  });

  it("is packed into 12 bits a number: 1 and −2 are 001 ffe", () => {
    expect([...packMultiples(Int16Array.of(1, -2))]).toEqual([0x01, 0xe0, 0xff]);
    expect([...packMultiples(Int16Array.of(-2047))]).toEqual([0x01, 0x08]);
  });

  it.each([0, 1, 2, 7, 8])("of %i numbers comes back as it was", (length) => {
    const random = seededRandom(length);
    const multiples = Int16Array.from({ length }, () => random.integer(4095) - 2047);
    const packed = packMultiples(multiples);
    expect(packed).toHaveLength(packedLength(length));
    expect(unpackMultiples(packed, length)).toEqual(multiples);
  });
});
