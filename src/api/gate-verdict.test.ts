import { describe, expect, it } from "vitest";
import { allPass, judgeGate, judgeGates } from "./gate-verdict.ts";
import type { GateRow } from "./run.ts";
import { type Gate, gate } from "./training.ts";

const nonInferiority = gate.parse({ name: "g", metric: "CleanAccuracy", test: "NonInferiority", margin: 0.02 });
const superiority = gate.parse({ name: "g", metric: "ShiftedAccuracy", test: "Superiority" });
const atLeast = gate.parse({ name: "g", metric: "OldIndexOverlap", test: "AtLeast", limit: 0.5, warn: 0.6 });
const atMost = gate.parse({ name: "g", metric: "LatencyRatio", test: "AtMost", limit: 1.5, warn: 1.2 });
const row = (facts: Partial<GateRow>): GateRow => ({
  name: "g",
  value: 0.9,
  bound: 0.7,
  p: 0.001,
  n: 600,
  needed: 500,
  ...facts,
});

describe("judgeGate", () => {
  it.each<[string, Gate, Partial<GateRow>, number, string]>([
    ["non-inferior", nonInferiority, { bound: -0.01, p: 0.001 }, 0.025, "Pass"],
    ["non-inferior, bound at the margin", nonInferiority, { bound: -0.02, p: 0.025 }, 0.025, "Fail"],
    ["non-inferior, bound just inside, p at alpha", nonInferiority, { bound: -0.0199, p: 0.025 }, 0.025, "Pass"],
    ["p just over alpha", nonInferiority, { bound: -0.01, p: 0.0251 }, 0.025, "Fail"],
    ["bound and p disagree", nonInferiority, { bound: -0.03, p: 0.001 }, 0.025, "Fail"],
    ["better", superiority, { bound: 0.004, p: 0.02 }, 0.025, "Pass"],
    ["bound at zero", superiority, { bound: 0, p: 0.02 }, 0.025, "Fail"],
    ["not proven better", superiority, { bound: 0.004, p: 0.03 }, 0.025, "Fail"],
    ["at least, clear", atLeast, { bound: 0.6 }, 0.025, "Pass"],
    ["at least, between", atLeast, { bound: 0.5999 }, 0.025, "Warn"],
    ["at least, at the limit", atLeast, { bound: 0.5 }, 0.025, "Warn"],
    ["at least, below", atLeast, { bound: 0.4999 }, 0.025, "Fail"],
    ["at least, without p", atLeast, { bound: 0.7, p: null }, 0, "Pass"],
    ["at most, clear", atMost, { bound: 1.2 }, 0.025, "Pass"],
    ["at most, between", atMost, { bound: 1.5 }, 0.025, "Warn"],
    ["at most, above", atMost, { bound: 1.5001 }, 0.025, "Fail"],
    ["at most, infinite", atMost, { bound: Infinity }, 0.025, "Fail"],
    ["no value", nonInferiority, { value: null }, 0.025, "NoData"],
    ["a NaN value", nonInferiority, { value: Number.NaN }, 0.025, "NoData"],
    ["no bound", nonInferiority, { bound: null }, 0.025, "NoData"],
    ["a NaN bound", atLeast, { bound: Number.NaN }, 0.025, "NoData"],
    ["no p", nonInferiority, { bound: 0, p: null }, 0.025, "NoData"],
    ["a NaN p", superiority, { bound: 1, p: Number.NaN }, 0.025, "NoData"],
    ["one sample too few", nonInferiority, { bound: 0, n: 499 }, 0.025, "NoData"],
    ["just enough samples", nonInferiority, { bound: 0, n: 500 }, 0.025, "Pass"],
    ["fewer than the gate's own minimum", { ...atLeast, minSample: 601 }, { bound: 0.7 }, 0.025, "NoData"],
    ["alpha used up", nonInferiority, { bound: 0, p: 0 }, 0, "NoData"],
    ["alpha is NaN", superiority, { bound: 1, p: 0 }, Number.NaN, "NoData"],
    ["a limit that is missing", { ...atLeast, limit: undefined }, {}, 0.025, "NoData"],
    ["a limit that is NaN", { ...atLeast, limit: Number.NaN }, {}, 0.025, "NoData"],
    ["nothing measured, though a failure were likely", atMost, { value: null, bound: 9, n: 0 }, 0.025, "NoData"],
  ])("%s", (_, gate, facts, alpha, verdict) => {
    const judged = judgeGate(gate, row(facts), alpha);
    expect(judged.verdict).toBe(verdict);
    expect(judged.message).not.toBe("");
  });

  it("keeps the facts as they came", () => {
    expect(judgeGate(nonInferiority, row({ bound: 0, note: "active 0.91" }), 0.025)).toMatchObject(
      row({ bound: 0, note: "active 0.91" }),
    );
  });
});

describe("judgeGates", () => {
  const better = (name: string): Gate => ({ ...superiority, name });

  it("corrects claims of improvement over the run, and no-loss tests not at all", () => {
    const gates = [better("a"), better("b"), { ...nonInferiority, name: "c" }];
    const rows = ["a", "b", "c"].map((name) => row({ name, bound: 0.01, p: 0.02 }));
    // Two claims at p = .02 are .04 after Holm: too much for alpha = .025.
    expect(judgeGates(gates, rows, 0.025).map(({ verdict }) => verdict)).toEqual(["Fail", "Fail", "Pass"]);
    expect(judgeGates(gates.slice(1), rows, 0.025).map(({ verdict }) => verdict)).toEqual(["Pass", "Pass"]);
  });

  it("counts a claim whose row is missing", () => {
    const verdicts = judgeGates([better("a"), better("b")], [row({ name: "a", bound: 0.01, p: 0.02 })], 0.025);
    expect(verdicts.map(({ name, verdict }) => [name, verdict])).toEqual([
      ["a", "Fail"],
      ["b", "NoData"],
    ]);
  });

  it("answers in the gates' order and drops rows that no gate asked for", () => {
    const verdicts = judgeGates([{ ...atLeast, name: "b" }, atMost], [row({ name: "x" }), row({ bound: 1 })], 0.025);
    expect(verdicts.map(({ name }) => name)).toEqual(["b", "g"]);
  });
});

describe("judgeGates on rows without names", () => {
  const nameless = (bound: number) => ({ value: 1, bound, p: null, n: 9, needed: 0 });
  const gates = [
    { ...atLeast, name: "a" },
    { ...atMost, name: "b" },
  ];
  it("takes them in the gates' order", () => {
    expect(judgeGates(gates, [nameless(0.7), nameless(9)], 0.025)).toMatchObject([
      { name: "a", verdict: "Pass" },
      { name: "b", verdict: "Fail" },
    ]);
  });
  it.each([
    ["one too few", [nameless(0.7)]],
    ["one with a name", [nameless(0.7), row({ name: "x" })]],
  ])("knows nothing of %s", (_, rows) => {
    expect(judgeGates(gates, rows, 0.025).map(({ verdict }) => verdict)).toEqual(["NoData", "NoData"]);
  });
});

describe("allPass", () => {
  const verdict = (kind: "Pass" | "Warn" | "Fail" | "NoData") => ({ ...row({}), verdict: kind, message: "" });
  it.each([
    [["Pass", "Warn"] as const, true],
    [["Pass", "NoData"] as const, false],
    [["Pass", "Fail"] as const, false],
    [[] as const, false],
  ])("%j is %s", (kinds, expected) => {
    expect(allPass(kinds.map(verdict))).toBe(expected);
  });
});
