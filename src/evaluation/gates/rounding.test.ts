import { describe, expect, it } from "vitest";
import { roundDown, roundUp } from "./rounding.ts";

describe("rounding", () => {
  it.each([
    [0.025000001, 0.025, 0.0250001],
    [0.4999999999, 0.499999, 0.5],
    [-0.0200000001, -0.0200001, -0.02],
    [0.0999999999, 0.0999999, 0.1],
    [123456.7, 123456, 123457],
    [1.5e-300, 1.5e-300, 1.5e-300],
    [0.5, 0.5, 0.5],
  ])("of %d goes down to %d and up to %d", (value, down, up) => {
    expect(roundDown(value)).toBe(down);
    expect(roundUp(value)).toBe(up);
  });

  it("of zero is zero, and of what is no number is none", () => {
    expect(roundDown(0)).toBe(0);
    expect(roundUp(Number.NaN)).toBeNaN();
    expect(roundUp(Infinity)).toBe(Infinity);
  });
});
