import { describe, expect, it } from "vitest";
import { advanceHold, hasHeld, notHolding } from "./hold.ts";
import type { Verdict } from "./verdict.ts";

type Seen = [second: number, kind: Verdict["kind"]];

/** A maximum gap of 60 s; `wanted` is Fail. */
function after(...seen: Seen[]) {
  return seen.reduce(
    (hold, [second, kind]) => advanceHold(hold, { kind, at: second * 1000 }, "Fail", 60_000),
    notHolding,
  );
}

describe("advanceHold counts observed failing time only", () => {
  it.each<[string, Seen[], number | null, number]>([
    ["nothing seen", [], null, 0],
    ["one failure is an onset", [[100, "Fail"]], 100_000, 0],
    [
      "time between failures counts",
      [
        [100, "Fail"],
        [130, "Fail"],
        [160, "Fail"],
      ],
      100_000,
      60,
    ],
    [
      "a pass starts over",
      [
        [100, "Fail"],
        [130, "Fail"],
        [140, "Pass"],
        [150, "Fail"],
        [155, "Fail"],
      ],
      150_000,
      5,
    ],
    [
      "NoData counts nothing and loses nothing",
      [
        [100, "Fail"],
        [130, "Fail"],
        [160, "NoData"],
        [190, "Fail"],
        [200, "Fail"],
      ],
      100_000,
      40,
    ],
    [
      "SourceError likewise",
      [
        [100, "Fail"],
        [130, "SourceError"],
        [160, "SourceError"],
        [190, "Fail"],
      ],
      100_000,
      0,
    ],
    [
      "an unwatched hour counts as the maximum gap",
      [
        [100, "Fail"],
        [3700, "Fail"],
      ],
      100_000,
      60,
    ],
    [
      "unknown before any failure is no onset",
      [
        [100, "NoData"],
        [130, "SourceError"],
      ],
      null,
      0,
    ],
  ])("%s", (_, seen, onset, seconds) => {
    expect(after(...seen)).toMatchObject({ onset, seconds });
  });

  it("loses no part of a second, however often it is asked", () => {
    const seen = Array.from({ length: 41 }, (_, i): Seen => [100 + i * 0.3, "Fail"]);
    expect(after(...seen).seconds).toBe(12);
  });

  it("a clock that goes back takes nothing away", () => {
    expect(after([100, "Fail"], [130, "Fail"], [110, "Fail"]).seconds).toBe(30);
  });

  it("hasHeld needs an onset, even for 0 s", () => {
    expect(hasHeld(notHolding, 0)).toBe(false);
    expect(hasHeld(after([100, "Fail"]), 0)).toBe(true);
    expect(hasHeld(after([100, "Fail"], [129, "Fail"]), 30_000)).toBe(false);
    expect(hasHeld(after([100, "Fail"], [130, "Fail"]), 30_000)).toBe(true);
  });
});
