import { describe, expect, it } from "vitest";
import { addValue, quantile, quantileSketch, relativeError } from "./quantile-sketch.ts";
import { seededRandom } from "./random.ts";

describe("quantileSketch", () => {
  it("is within the relative error of the exact quantiles", () => {
    const random = seededRandom(1);
    const values = Float64Array.from({ length: 5000 }, () => Math.min(2, 0.1 * Math.exp(random.gaussian()))).sort();
    const sketch = quantileSketch();
    for (const value of values) addValue(sketch, value);
    for (const q of [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1]) {
      const exact = values[Math.floor(q * 4999)]!;
      expect(Math.abs(quantile(sketch, q) - exact) / exact).toBeLessThanOrEqual(relativeError * 1.001);
    }
  });

  it("holds zeros, tiny, negative and too large values", () => {
    const sketch = quantileSketch();
    for (const value of [0, -1e-9, 1e-7, 5]) addValue(sketch, value);
    expect(quantile(sketch, 0.5)).toBe(0);
    expect(quantile(sketch, 1)).toBeGreaterThan(1.9);
    expect(quantile(quantileSketch(), 0.5)).toBeNaN();
  });
});
