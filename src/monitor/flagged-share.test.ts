import { describe, expect, it } from "vitest";
import { noAlarm } from "./alarm.ts";
import { emptyWindow, type FlagCounts, type ShareStep, stepShare } from "./flagged-share.ts";
import { seededRandom } from "./random.ts";

const settings = { minShare: 0.1, window: 5, minScored: 30, confidence: 0.99 };

function run(...counts: [block: number, scored: number, flagged: number][]): ShareStep {
  const start: ShareStep = { window: emptyWindow, alarm: noAlarm, scored: 0, flagged: 0, bounds: null };
  return counts
    .map(([block, scored, flagged]): FlagCounts => ({ block, scored, flagged }))
    .reduce((step, next) => stepShare(step.window, step.alarm, next, settings), start);
}
const attack: [number, number, number][] = [
  [1, 20, 1],
  [2, 20, 8],
  [3, 20, 9],
];

describe("AdversarialAnomaly", () => {
  it("is unknown below the minimum of scored inputs", () => {
    expect(run([1, 29, 29])).toMatchObject({ bounds: null, alarm: noAlarm });
  });

  it("is unknown while even an attack on every input could not be told: 44 scores for 90 % at a confidence of 0.99", () => {
    const strict = { ...settings, minShare: 0.9 };
    const all = (scored: number) => stepShare(emptyWindow, noAlarm, { block: 1, scored, flagged: scored }, strict);
    expect(all(43)).toMatchObject({ bounds: null, alarm: noAlarm });
    expect(all(44).alarm.active).toBe(true);
    expect(stepShare(emptyWindow, noAlarm, { block: 1, scored: 43, flagged: 0 }, strict).bounds).toBeNull();
  });

  it("is raised by the lower bound, not by the share", () => {
    // 6 of 40 are 15 %, but a tenth would give as many 14 times in a hundred.
    expect(run([1, 40, 6]).alarm.active).toBe(false);
    expect(run([1, 40, 6]).bounds?.lower).toBeLessThan(0.1);
    expect(run(...attack)).toMatchObject({ scored: 60, flagged: 18, alarm: { number: 1, active: true } });
  });

  it("stays while the window still holds the attack, and is released by a whole quiet window", () => {
    const quiet = (from: number, to: number): [number, number, number][] =>
      Array.from({ length: to - from + 1 }, (_, i) => [from + i, 40, 0]);
    expect(run(...attack, ...quiet(4, 7)).alarm.active).toBe(true);
    expect(run(...attack, ...quiet(4, 12)).alarm).toEqual({ number: 1, active: false });
  });

  it("one large quiet block does not outvote the attack: a whole window must pass", () => {
    expect(run(...attack, [4, 5000, 0])).toMatchObject({
      alarm: { active: true },
      bounds: { upper: expect.closeTo(0.006, 3) },
    });
    expect(run(...attack, [4, 5000, 0], [8, 5000, 0]).alarm.active).toBe(false);
  });

  it("too few scores release nothing", () => {
    const silent: [number, number, number][] = Array.from({ length: 20 }, (_, i) => [4 + i, 1, 0]);
    expect(run(...attack, ...silent).alarm.active).toBe(true);
  });

  it("a second attack has the next number", () => {
    const quiet: [number, number, number][] = Array.from({ length: 10 }, (_, i) => [4 + i, 40, 0]);
    expect(run(...attack, ...quiet, [20, 40, 30]).alarm).toEqual({ number: 2, active: true });
  });

  it("a late block changes nothing", () => {
    const before = run(...attack);
    expect(stepShare(before.window, before.alarm, { block: 3, scored: 500, flagged: 500 }, settings)).toEqual(before);
  });

  it("a gap in the blocks empties the window", () => {
    expect(run(...attack, [100, 30, 0])).toMatchObject({ scored: 30, flagged: 0 });
  });

  it("stays quiet on a benign drift that flags 2 %, for ten thousand blocks", () => {
    const random = seededRandom(1);
    let step = run([1, 10, 0]);
    for (let block = 2; block < 10_000; block++) {
      let flagged = 0;
      for (let i = 0; i < 10; i++) if (random.uniform() < 0.02) flagged++;
      step = stepShare(step.window, step.alarm, { block, scored: 10, flagged }, settings);
    }
    expect(step.alarm).toEqual(noAlarm);
  });
});
