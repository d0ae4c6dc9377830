import { holmAdjust } from "./holm.ts";
import type { GateVerdict } from "./retraining.ts";
import type { GateRow, SentRow } from "./run.ts";
import type { Gate } from "./training.ts";

/** What a gate says, and why. */
type Ruling = Pick<GateVerdict, "verdict" | "message">;

/**
 * Turns the facts of an evaluation into verdicts, one for each gate in the gates' order (decisions 17 and 29).
 *
 * No-loss tests are not corrected, as all of them must pass; claims of improvement are corrected over the run (Holm).
 * Unknown is never a pass: a missing row, a value that could not be measured, NaN and too few samples are NoData.
 *
 * @param gates  the run's gates
 * @param rows   the facts, matched by name, or in the gates' order where they have none; rows without a gate are left out
 * @param alpha  what the evaluation set's lifetime alpha leaves to this promotion; 0 when it is used up (decision 18)
 */
export function judgeGates(gates: readonly Gate[], rows: readonly SentRow[], alpha: number): GateVerdict[] {
  const found = gates.map((gate, i) => ({ gate, row: { ...(rowOf(gate, i) ?? missing(gate)), name: gate.name } }));
  // A claim without a p-value still counts as a claim, or losing one measurement would ease all others.
  const claims = found.filter(({ gate }) => gate.test === "Superiority");
  const adjusted = holmAdjust(claims.map(({ row }) => (isMeasured(row.p) ? row.p : 1)));
  return found.map((pair) => {
    const claim = claims.indexOf(pair);
    return judgeGate(pair.gate, pair.row, alpha, claim < 0 ? pair.row.p : (adjusted[claim] ?? 1));
  });

  function rowOf(gate: Gate, place: number): SentRow | undefined {
    const isNameless = rows.length === gates.length && rows.every(({ name }) => name === undefined);
    return isNameless ? rows[place] : rows.find(({ name }) => name === gate.name);
  }
}

/**
 * The verdict of one gate.
 *
 * @param alpha  the level of the test, in [0, 1)
 * @param p      the p-value to go by: Holm-adjusted for Superiority, the row's own otherwise
 */
export function judgeGate(gate: Gate, row: GateRow, alpha: number, p: number | null = row.p): GateVerdict {
  return { ...row, ...(noData(gate, row, alpha, p) ?? rule(gate, row, alpha, p ?? 1)) };
}

/** Whether every gate lets the candidate through. No gates prove nothing. */
export function allPass(verdicts: readonly GateVerdict[]): boolean {
  return verdicts.length > 0 && verdicts.every(({ verdict }) => verdict === "Pass" || verdict === "Warn");
}

function missing({ name }: Gate): GateRow {
  return { name, value: null, bound: null, p: null, n: 0, needed: 0, note: "the evaluation has no row of this name" };
}

function isMeasured(value: number | null): value is number {
  return value !== null && !Number.isNaN(value);
}

function noData(gate: Gate, row: GateRow, alpha: number, p: number | null): Ruling | null {
  const needed = Math.max(row.needed, gate.minSample);
  const say = (message: string): Ruling => ({ verdict: "NoData", message });
  if (!isMeasured(row.value)) return say(`not measured${row.note ? `: ${row.note}` : ""}`);
  if (!isMeasured(row.bound)) return say("the measurement has no confidence bound");
  if (row.n < needed) return say(`${row.n} samples of ${needed} needed`);
  if (gate.test === "AtLeast" || gate.test === "AtMost") {
    return gate.limit === undefined || Number.isNaN(gate.limit) ? say("the gate has no limit") : null;
  }
  if (!(alpha > 0)) return say("the evaluation set's lifetime alpha is used up: bring a fresh one");
  return isMeasured(p) ? null : say("the test has no p-value");
}

/** The gate's test on facts that are all there. Bound and p must agree: either alone could be wrong. */
function rule(gate: Gate, row: GateRow, alpha: number, p: number): Ruling {
  const bound = row.bound ?? Number.NaN;
  switch (gate.test) {
    case "NonInferiority":
      return bound > -gate.margin && p <= alpha
        ? pass(`the loss is below ${text(gate.margin)} (p ${text(p)} at level ${text(alpha)})`)
        : fail(`a loss of ${text(gate.margin)} is not ruled out: bound ${text(bound)}, p ${text(p)} > ${text(alpha)}`);
    case "Superiority":
      return bound > 0 && p <= alpha
        ? pass(`better by at least ${text(bound)} (adjusted p ${text(p)} at level ${text(alpha)})`)
        : fail(`not proven better: bound ${text(bound)}, adjusted p ${text(p)} at level ${text(alpha)}`);
    case "AtLeast":
      return level(bound >= (gate.limit ?? Number.NaN), bound >= (gate.warn ?? -Infinity), gate, bound);
    case "AtMost":
      return level(bound <= (gate.limit ?? Number.NaN), bound <= (gate.warn ?? Infinity), gate, bound);
    default:
      return gate.test satisfies never;
  }
}

function level(within: boolean, clear: boolean, gate: Gate, bound: number): Ruling {
  const side = gate.test === "AtLeast" ? "at least" : "at most";
  if (!within) return fail(`the bound ${text(bound)} is not ${side} ${text(gate.limit ?? Number.NaN)}`);
  if (clear) return pass(`the bound ${text(bound)} is ${side} ${text(gate.limit ?? Number.NaN)}`);
  return { verdict: "Warn", message: `the bound ${text(bound)} is not ${side} ${text(gate.warn ?? Number.NaN)}` };
}

const pass = (message: string): Ruling => ({ verdict: "Pass", message });
const fail = (message: string): Ruling => ({ verdict: "Fail", message });

/** Up to four significant digits. */
function text(value: number): string {
  return String(Number(value.toPrecision(4)));
}
