import { expect, it } from "vitest";
import { backoffDelay } from "./backoff.ts";

it.each([
  [0, 0],
  [1, 100],
  [2, 200],
  [5, 1600],
  [7, 5000],
  [2000, 5000],
])("after %i failures: %i ms", (failures, expected) => {
  expect(backoffDelay(failures, { baseMs: 100, maxMs: 5_000, jitter: 0.5, random: () => 0 })).toBe(expected);
});

it("jitter takes away its share at most", () => {
  const delays = Array.from({ length: 200 }, () => backoffDelay(3, { baseMs: 100, maxMs: 5_000, jitter: 0.5 }));
  expect(Math.min(...delays)).toBeGreaterThan(200);
  expect(Math.max(...delays)).toBeLessThanOrEqual(400);
  expect(new Set(delays).size).toBeGreaterThan(100);
});
