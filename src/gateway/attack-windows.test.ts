import { describe, expect, it } from "vitest";
import type { AttackWindow } from "../registry/index.ts";
import { mostWindows, stepAttacks } from "./attack-windows.ts";

const evidence = 10;
const lengthMs = 1000;

/** @param attacked  blocks from `first` on: X for one under attack */
function windowsAfter(attacked: string, first = 100, before: readonly AttackWindow[] = []): readonly AttackWindow[] {
  return attacked
    .split("")
    .reduce(
      (windows, mark, i) => stepAttacks(windows, { number: first + i, lengthMs, attacked: mark === "X" }, evidence),
      before,
    );
}

describe("stepAttacks", () => {
  it.each<[string, string, AttackWindow[]]>([
    ["no attack", "....", []],
    ["one that is on, from the blocks that the alarm was decided over", "..XX", [{ from: 93_000, to: null }]],
    ["one that is over, to the end of the block that says so", "..XX..", [{ from: 93_000, to: 105_000 }]],
    ["one that comes back within the evidence of its next alarm", "XX.....X", [{ from: 91_000, to: null }]],
    [
      "two apart",
      "X............X.",
      [
        { from: 91_000, to: 102_000 },
        { from: 104_000, to: 115_000 },
      ],
    ],
  ])("%s", (_, attacked, windows) => {
    expect(windowsAfter(attacked)).toEqual(windows);
  });

  it("joins the oldest beyond its bound, and leaves out no time of an attack", () => {
    let windows: readonly AttackWindow[] = [];
    for (let i = 0; i <= mostWindows; i++) windows = windowsAfter("X.", 1000 + 100 * i, windows);
    expect(windows).toHaveLength(mostWindows);
    expect(windows[0]).toEqual({ from: 991_000, to: 1_102_000 });
    const more = [{ from: 1_000, to: 2_000 }, { from: 3_000, to: 4_000 }, ...windows];
    windows = windowsAfter("X", 9000, more);
    expect(windows).toHaveLength(mostWindows);
    expect(windows[0]).toEqual({ from: 1_000, to: 1_202_000 });
  });
});
