import { blockEnd } from "../monitor/index.ts";
import type { AttackWindow } from "../registry/index.ts";

/** Windows that are remembered; beyond them the two oldest become one. They are part of the 20 KB of a state. */
export const mostWindows = 20;

/**
 * When the service was attacked: what was captured in these windows is never trained on (decision 12).
 *
 * A window begins with the blocks that led to the alarm, not with the alarm: the detector needs some before it can tell.
 * It ends with the block at which the attack is over, and has quiet blocks at its end for the same reason.
 *
 * @param attacked  whether the alarm is raised or protection is on, as of this block
 * @param evidence  blocks that the alarm is decided over
 */
export function stepAttacks(
  windows: readonly AttackWindow[],
  block: { readonly number: number; readonly lengthMs: number; readonly attacked: boolean },
  evidence: number,
): readonly AttackWindow[] {
  const { number, lengthMs, attacked } = block;
  const last = windows.at(-1);
  if (last && last.to === null) {
    return attacked ? windows : [...windows.slice(0, -1), { from: last.from, to: blockEnd(number, lengthMs) }];
  }
  if (!attacked) return windows;
  const from = blockEnd(number - evidence, lengthMs);
  if (last?.to && last.to >= from) return [...windows.slice(0, -1), { from: last.from, to: null }];
  return bounded([...windows, { from, to: null }]);
}

/** What is left out between two old windows is little against what an attacker could slip in by making many. */
function bounded(windows: readonly AttackWindow[]): readonly AttackWindow[] {
  const [first, second, ...others] = windows;
  if (windows.length <= mostWindows || !first || !second) return windows;
  return bounded([{ from: first.from, to: second.to }, ...others]);
}
