import { expect, it } from "vitest";
import { seedOf } from "./identity.ts";

it("seeds are in the range that a spec allows", () => {
  const seeds = Array.from({ length: 200 }, (_, n) => seedOf(String(n)));
  expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)).toBe(true);
  expect(new Set(seeds).size).toBe(200);
});
