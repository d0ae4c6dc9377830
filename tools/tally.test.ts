import { describe, expect, it } from "vitest";
import { summarise } from "./tally.ts";

const tally = (passed: number, failed: number, ...reasons: string[]) => ({
  passed,
  failed,
  skipped: reasons.map((reason) => ({ test: "t", reason })),
});

describe("summarise", () => {
  it.each([
    ["sums runs", [tally(2, 0), tally(3, 0)], true, "5 passed, 0 failed, 0 skipped", true],
    ["fails with one failure", [tally(2, 0), tally(3, 1)], false, "5 passed, 1 failed, 0 skipped", false],
    ["fails when nothing ran", [], false, "0 passed, 0 failed, 0 skipped", false],
    ["excuses a skip for a GPU", [tally(1, 0, "GPU: none here")], true, "1 passed, 0 failed, 1 skipped", true],
    ["fails in CI for another skip", [tally(1, 0, "slow", "GPU")], true, "1 passed, 1 failed, 1 skipped", false],
    ["fails in CI for a skip without reason", [tally(1, 0, "")], true, "1 passed, 1 failed, 0 skipped", false],
    ["lets a person skip", [tally(1, 0, "")], false, "1 passed, 0 failed, 1 skipped", true],
  ] as const)("%s", (_, tallies, inCi, line, succeeded) => {
    expect(summarise(tallies, inCi)).toMatchObject({ line, succeeded });
  });
});
