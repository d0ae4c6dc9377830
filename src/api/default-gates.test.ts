import { describe, expect, it } from "vitest";
import { causeClass } from "./cause.ts";
import { defaultGates } from "./default-gates.ts";
import { evaluationData } from "./training.ts";

const targets = [{ perturbation: "crafted", metric: "RobustAccuracy", atLeast: 0.5 }] as const;
const claims = (data: "Labelled" | "Pairs" | "None", cause: "Drift" | "Attack") =>
  defaultGates(data, cause, targets)
    .filter(({ test }) => test === "Superiority")
    .map(({ metric }) => metric);

describe("defaultGates", () => {
  it("are at most 16 of unlike names for every cause and kind of data", () => {
    for (const data of evaluationData.options) {
      for (const cause of causeClass.options) {
        const names = defaultGates(data, cause, targets).map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        expect(names.length).toBeLessThanOrEqual(16);
      }
    }
  });

  it("ask that every target is met, where there are any", () => {
    const asked = (some: readonly (typeof targets)[number][]) =>
      defaultGates("Labelled", "Drift", some).filter(({ metric }) => metric === "TargetsMet");
    expect(asked(targets)).toMatchObject([{ test: "AtLeast", limit: 1 }]);
    expect(asked([])).toEqual([]);
  });

  it("claim a gain on what the run was started for, and none without labels or pairs", () => {
    expect(claims("Labelled", "Drift")).toEqual(["ShiftedAccuracy"]);
    expect(claims("Pairs", "Attack")).toEqual(["RobustAccuracy"]);
    expect(claims("None", "Drift")).toEqual([]);
  });

  it("always guard the old index, against collapse, and what serving costs", () => {
    for (const data of evaluationData.options) {
      const metrics = defaultGates(data, "Schedule", []).map(({ metric }) => metric);
      expect(metrics).toContain("EffectiveRank");
      expect(metrics).toContain("OldIndexOverlap");
      expect(metrics).toEqual(expect.arrayContaining(["LatencyRatio", "MemoryRatio"]));
    }
  });
});
