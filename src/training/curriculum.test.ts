import { describe, expect, it } from "vitest";
import { type Curriculum, nextCurriculum, type ProbeMeasure, startCurriculum, stepSizeOf } from "./curriculum.ts";

const now: Curriculum = { scale: 0.8, attackSteps: 3, augmentation: 0.6, bestClean: 0.95, lastRobust: 0.7 };
const measured: ProbeMeasure = { clean: 0.95, fgsm: 0.7, robust: 0.65, effectiveRank: 40 };
const limits = { dimension: 64, attackSteps: [2, 3, 5], progress: 0.5 };

describe("nextCurriculum", () => {
  it.each<[string, Partial<Curriculum>, Partial<ProbeMeasure>, string, Partial<Curriculum>]>([
    ["holds between the levels", {}, {}, "Hold", { scale: 0.8, attackSteps: 3 }],
    ["raises the budget when ready", {}, { robust: 0.75 }, "Raise", { scale: 0.92, attackSteps: 3 }],
    ["never goes beyond the budget", { scale: 0.95 }, { robust: 0.75 }, "Raise", { scale: 1, attackSteps: 3 }],
    ["raises the steps at the whole budget", { scale: 1 }, { robust: 0.75 }, "Raise", { scale: 1, attackSteps: 5 }],
    [
      "holds when nothing is left to raise",
      { scale: 1, attackSteps: 5 },
      { robust: 0.75 },
      "Hold",
      { scale: 1, attackSteps: 5 },
    ],
    ["lowers the budget when it is too hard", {}, { robust: 0.45, fgsm: 0.5 }, "Lower", { scale: 0.72 }],
    ["lowers the budget when clean accuracy falls", {}, { clean: 0.92, robust: 0.8 }, "Lower", { scale: 0.72 }],
    [
      "rolls back when PGD falls and FGSM does not",
      {},
      { robust: 0.4, fgsm: 0.8 },
      "RollBack",
      { attackSteps: 5, scale: 0.8, lastRobust: 0.7 },
    ],
    ["calls a gap that was always there no overfitting", { lastRobust: null }, { robust: 0.5, fgsm: 0.8 }, "Hold", {}],
    ["calls a fall of both no overfitting", {}, { robust: 0.5, fgsm: 0.6 }, "Hold", {}],
    ["anneals augmentation with progress", {}, {}, "Hold", { augmentation: 0.5 }],
    ["freezes annealing when the embedding gets narrow", {}, { effectiveRank: 10 }, "Hold", { augmentation: 0.6 }],
    ["keeps the best clean accuracy", {}, { clean: 0.97 }, "Hold", { bestClean: 0.97 }],
    ["does not divide by a clean accuracy of 0", { bestClean: 0 }, { clean: 0, robust: 0, fgsm: 0 }, "Lower", {}],
  ])("%s", (_, state, measure, action, next) => {
    const step = nextCurriculum({ ...now, ...state }, { ...measured, ...measure }, limits);
    expect(step.action).toBe(action);
    for (const [name, value] of Object.entries(next))
      expect(step.next).toHaveProperty(name, expect.closeTo(value ?? 0, 9));
  });

  it("is a function: the same log gives the same curriculum", () => {
    const run = () =>
      Array.from({ length: 30 }, (_, i) => ({ ...measured, robust: 0.4 + 0.4 * Math.abs(Math.sin(i)) })).reduce(
        (state, measure) => nextCurriculum(state, measure, limits).next,
        startCurriculum(limits.attackSteps),
      );
    expect(run()).toEqual(run());
  });
});

describe("stepSizeOf", () => {
  it("reaches the border within the steps", () => {
    for (const steps of [1, 2, 3, 5, 10, 20]) expect(stepSizeOf(0.1, steps) * steps).toBeGreaterThan(0.1);
    expect(stepSizeOf(0.1, 10)).toBe(0.025);
  });
});
