import { expect, it } from "vitest";
import { blocksIndependent } from "./block-length.ts";

it.each([
  ["not measured", null, null, "NotMeasured", "there are not enough blocks in a row yet"],
  ["uncorrelated", { value: 0.05, lower: -0.1 }, true, "Uncorrelated", ""],
  ["correlated perhaps", { value: 0.4, lower: 0.2 }, true, "Uncorrelated", ""],
  [
    "correlated",
    { value: 0.41, lower: 0.3 },
    false,
    "Correlated",
    "blocks of 90s are correlated (0.4): set monitoring.block to 180s",
  ],
])("blocks that are %s", (_, measured, holds, reason, message) => {
  expect(blocksIndependent(measured, "90s")).toEqual([holds, reason, message]);
});
