import { describe, expect, it } from "vitest";
import { medianBound, roundsWithin } from "./latency.ts";

describe("medianBound", () => {
  // P(Bin(10, ½) > 7) = 56/1024 = .0547, > 8: 11/1024 = .0107; P(Bin(24, ½) > 16) = .0320, > 17: .0113
  it.each([
    [10, 0.06, 7],
    [10, 0.05, 8],
    [24, 0.05, 16],
    [24, 0.025, 17],
    [3, 1e-9, 2],
  ])("of %i values at %f is place %i", (n, alpha, place) => {
    expect(medianBound(n, alpha)).toBe(place);
  });
});

describe("roundsWithin", () => {
  it.each([
    ["a slow model", 5000, 24],
    ["a fast one", 90, 44],
    ["one that takes no time", 0, 120],
  ])("for %s is even and within bounds", (_, oneMs, count) => {
    expect(roundsWithin(4000, oneMs)).toBe(count);
  });
});
