import { expect, it } from "vitest";
import { blockAt, blockEnd } from "./block-clock.ts";

it("blocks are numbered from the epoch and end where the next begins", () => {
  expect(blockAt(0, 60_000)).toBe(0);
  expect(blockAt(59_999, 60_000)).toBe(0);
  expect(blockAt(60_000, 60_000)).toBe(1);
  expect(blockAt(blockEnd(7, 2000), 2000)).toBe(8);
});
