import { describe, expect, it } from "vitest";
import { bar } from "./bar.ts";
import { progressBar } from "./progress-bar.ts";
import { trainingProgress } from "./training-progress.ts";

it.each([
  [0, "░░░░"],
  [0.5, "██░░"],
  [1, "████"],
  [-1, "░░░░"],
  [2, "████"],
])("draws a share of %f", (share, drawn) => {
  expect(bar(share, 4)).toBe(drawn);
});

/** What is written while a work goes on, a step of it each second when nothing else is said. */
function shown(isTTY: boolean, shares: readonly number[], stepMs = 1_000): string[] {
  const written: string[] = [];
  let now = 0;
  const out = { isTTY, write: (text: string | Uint8Array) => written.push(String(text)) > 0 };
  const show = progressBar(out, () => now);
  for (const share of shares) {
    now += stepMs;
    show("packing", share);
  }
  return written;
}

describe("progressBar", () => {
  it("moves on a terminal, and ends its line with the work", () => {
    expect(shown(true, [0.5, 1])).toEqual([
      `\r\u001b[2K${"█".repeat(12)}${"░".repeat(12)}  50% packing`,
      `\r\u001b[2K${"█".repeat(24)} 100% packing\n`,
    ]);
  });

  it("writes a line for every tenth elsewhere, once", () => {
    expect(shown(false, [0.1, 0.15, 0.19, 0.3, 1, 1])).toEqual([
      "evenkeel: 10% packing\n",
      "evenkeel: 30% packing\n",
      "evenkeel: 100% packing\n",
    ]);
  });
});

it("writes of a short work its end alone, where there is no terminal", () => {
  expect(shown(false, [0.1, 0.2, 0.5, 0.9, 1], 10)).toEqual(["evenkeel: 100% packing\n"]);
});

describe("trainingProgress", () => {
  const entry = { step: 0, action: "Start", why: "", attackSteps: 0, augmentation: 1, seed: 1, scale: 0.6 } as const;
  const unmeasured = { ...entry, clean: null, fgsm: null, robust: null, effectiveRank: null, loss: null };

  it.each([
    ["what was measured last", { clean: 0.9, robust: 0.5 }, "  clean 0.90 robust 0.50 at 60 % of the budget"],
    ["nothing before a measurement", {}, ""],
  ])("tells the step, the loss and %s", (_, measured, told) => {
    const said: [string, number][] = [];
    const show = trainingProgress((doing, share) => said.push([doing, share]));
    show({ step: 5, steps: 20, loss: 0.25, last: { ...unmeasured, ...measured } });
    expect(said).toEqual([[`step 5 of 20  loss 0.250${told}`, 0.25]]);
  });

  it("tells how long it still takes by the steps after the first one, once that is worth it", () => {
    const said: string[] = [];
    let now = 60_000;
    const show = trainingProgress(
      (doing) => said.push(doing),
      () => now,
    );
    for (const step of [11, 12, 13, 14]) {
      show({ step, steps: 20, loss: 0.25, last: unmeasured });
      now += 2_000;
    }
    expect(said.map((line) => line.slice("step 11 of 20  loss 0.250".length))).toEqual([
      "",
      "",
      "  14 s left",
      "  12 s left",
    ]);
  });
});
