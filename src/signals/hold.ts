import type { Verdict } from "./verdict.ts";

/** How long something has been seen to hold; it is stored, so that a restart goes on from it. */
export type Hold = {
  /** When it began, in ms of Unix time; null while it does not hold. */
  readonly onset: number | null;
  /** Observed time, in whole seconds. */
  readonly seconds: number;
  /** The instant up to which time was counted, ms. The rest of a second is counted next time. */
  readonly countedTo: number;
  /** Whether the last verdict was the wanted one: only between two such verdicts time is counted. */
  readonly holding: boolean;
};

export const notHolding: Hold = { onset: null, seconds: 0, countedTo: 0, holding: false };

/**
 * Advances a hold by one verdict (decision 37: `for:` and holds count observed verdict time only).
 *
 * - the wanted verdict after the wanted verdict: the time between them counts, at most `maxGap` of it, for a longer gap
 *   was not watched
 * - NoData and SourceError: nothing counts and nothing is lost
 * - any other verdict: it starts over
 *
 * @param wanted  Fail for `for:`, Pass for a step's hold
 * @param maxGap  ms, such as twice the interval of evaluation
 */
export function advanceHold(
  hold: Hold,
  { kind, at }: Pick<Verdict, "kind" | "at">,
  wanted: "Pass" | "Fail",
  maxGap: number,
): Hold {
  if (kind === "NoData" || kind === "SourceError") return { ...hold, countedTo: at, holding: false };
  if (kind !== wanted) return notHolding;
  if (hold.onset === null) return { onset: at, seconds: 0, countedTo: at, holding: true };
  if (!hold.holding) return { ...hold, countedTo: at, holding: true };
  const from = Math.max(hold.countedTo, at - maxGap);
  const whole = Math.max(0, Math.floor((at - from) / 1000));
  return { ...hold, seconds: hold.seconds + whole, countedTo: Math.min(at, from + whole * 1000) };
}

/** Whether it has been seen to hold for a duration in ms. */
export function hasHeld(hold: Hold, duration: number): boolean {
  return hold.onset !== null && hold.seconds * 1000 >= duration;
}
