import { describe, expect, it } from "vitest";
import { type EvaluateResult, evaluateResult, type GateRow, gate, judgeGates } from "../api/index.ts";
import { fitMessage } from "./termination-message.ts";

const report = `store://reports/${"n".repeat(253 - 16 - 72)}@sha256:${"a".repeat(64)}`;
/** As long as a name and a number of six digits can be. */
const row = (i: number, facts: Partial<GateRow> = {}): GateRow => ({
  name: `${"gate-".repeat(12)}${String.fromCharCode(97 + i)}`.padEnd(63, "z"),
  value: 0.000123456,
  bound: -0.0000123456,
  p: 0.000123456,
  n: 1_000_000,
  needed: 1_000_000_000,
  note: "ü".repeat(80),
  ...facts,
});
const result = (rows: number, facts: Partial<GateRow> = {}): EvaluateResult => ({
  kind: "Evaluate",
  report,
  gates: Array.from({ length: rows }, (_, i) => row(i, facts)),
  overlap: 1_000_000,
});
const bytes = (message: EvaluateResult): number => Buffer.byteLength(JSON.stringify(message));

describe("fitMessage", () => {
  it.each([
    ["measured", {}],
    ["unmeasured", { value: null, bound: null, p: null }],
  ])("holds 16 %s gates of 63-character names in 2 KB, and their verdicts", (_, facts) => {
    const sent = result(16, { needed: 0, ...facts });
    const read = evaluateResult.parse(JSON.parse(JSON.stringify(fitMessage(sent))));
    expect(report).toHaveLength(253);
    expect(bytes(fitMessage(sent))).toBeLessThanOrEqual(2048);
    const gates = sent.gates.map(({ name }) =>
      gate.parse({ name, metric: "CleanAccuracy", test: "NonInferiority", margin: 0.02 }),
    );
    const verdictsOf = ({ gates: rows }: EvaluateResult) =>
      judgeGates(gates, rows, 0.025).map(({ name, verdict, value, bound, p, n }) => ({
        name,
        verdict,
        value,
        bound,
        p,
        n,
      }));
    expect(verdictsOf(read)).toEqual(verdictsOf(sent));
  });

  it("has room for the longest numbers", () => {
    expect(bytes(fitMessage(result(16)))).toBeLessThanOrEqual(2048);
  });

  it("leaves a short one as it is, and drops only notes of measured gates where that is enough", () => {
    const short = result(2);
    expect(fitMessage(short)).toBe(short);
    const mixed = result(6);
    const [first, ...others] = mixed.gates;
    const unmeasured = { ...row(0), value: null };
    const fitted = fitMessage({ ...mixed, gates: [unmeasured, ...others] });
    expect(first?.note).toBeDefined();
    expect(fitted.gates.map(({ name, note }) => [name !== undefined, note !== undefined])).toEqual(
      [0, 1, 2, 3, 4, 5].map((i) => [true, i === 0]),
    );
  });

  it("shortens an error", () => {
    const fitted = fitMessage({
      kind: "Evaluate",
      gates: [],
      error: { reason: "Failed", message: "\u0001".repeat(1500) },
    });
    expect(bytes(fitted)).toBeLessThanOrEqual(2048);
  });
});
