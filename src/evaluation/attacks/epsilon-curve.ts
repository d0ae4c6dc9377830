import { resize } from "./ball.ts";
import { type Attack, gatingAttacks } from "./suite.ts";
import { type Queries, type Setting, type Victim, worstCase } from "./worst-case.ts";

/** Shares of the budget that the curve is measured at: to twice the budget (decision 19). */
export const curveFactors = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2] as const;

export type CurvePoint = { readonly epsilon: number; readonly accuracy: number };

/**
 * Accuracy under APGD on the prototype cross-entropy against the size of the ball. Balls are nested, so an input that was
 * broken in a smaller one is not tried again: the curve never rises, as the truth does not.
 */
export function epsilonCurve(victim: Victim, queries: Queries, setting: Setting): CurvePoint[] {
  const attacks: Attack[] = gatingAttacks.filter(({ name }) => name === "APGD-CE");
  let open = queries;
  let rows = Array.from(queries.labels, (_, i) => i);
  return curveFactors.map((factor, point) => {
    const at: Setting = {
      ...setting,
      ball: resize(setting.ball, factor),
      attacks: factor > 0 ? attacks : [],
      onProgress: (share) => setting.onProgress?.((point + share) / curveFactors.length),
    };
    const narrowed: Victim = { ...victim, isRight: (vectors, inner) => victim.isRight(vectors, pick(rows, inner)) };
    const { right } = worstCase(narrowed, open, at);
    const kept = rows.flatMap((_, i) => (right[i] === 1 ? [i] : []));
    open = takeQueries(open, kept);
    rows = pick(rows, kept);
    return { epsilon: setting.ball.epsilon * factor, accuracy: rows.length / queries.labels.length };
  });
}

export function takeQueries(queries: Queries, rows: readonly number[]): Queries {
  const d = queries.labels.length > 0 ? queries.inputs.length / queries.labels.length : 0;
  const inputs = new Float32Array(rows.length * d);
  rows.forEach((row, i) => inputs.set(queries.inputs.subarray(row * d, (row + 1) * d), i * d));
  return { inputs, labels: Int32Array.from(rows, (row) => queries.labels[row] ?? 0) };
}

function pick(values: readonly number[], rows: ArrayLike<number>): number[] {
  return Array.from(rows, (row) => values[row] ?? 0);
}
