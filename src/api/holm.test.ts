import { describe, expect, it } from "vitest";
import { holmAdjust } from "./holm.ts";

describe("holmAdjust", () => {
  it.each([
    { p: [], adjusted: [] },
    { p: [0.03], adjusted: [0.03] },
    // R: p.adjust(c(.01, .04, .03, .005), "holm") = .03 .06 .06 .02
    { p: [0.01, 0.04, 0.03, 0.005], adjusted: [0.03, 0.06, 0.06, 0.02] },
    { p: [0.6, 0.7], adjusted: [1, 1] },
    { p: [0.02, 0.02], adjusted: [0.04, 0.04] },
  ])("adjusts $p to $adjusted", ({ p, adjusted }) => {
    holmAdjust(p).forEach((value, i) => expect(value).toBeCloseTo(adjusted[i] ?? Number.NaN, 12));
    expect(holmAdjust(p)).toHaveLength(adjusted.length);
  });

  it("never makes a p-value smaller, keeps their order and lies below Bonferroni's", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const p = Array.from({ length: 7 }, (_, i) => Math.abs(Math.sin(seed * 12.9898 + i * 78.233)) ** 3).toSorted(
        (a, b) => a - b,
      );
      const adjusted = holmAdjust(p);
      expect(adjusted).toEqual(adjusted.toSorted((a, b) => a - b));
      p.forEach((pi, i) => {
        expect(adjusted[i]).toBeGreaterThanOrEqual(pi);
        expect(adjusted[i]).toBeLessThanOrEqual(Math.min(1, 7 * pi) + 1e-12);
      });
    }
  });
});
