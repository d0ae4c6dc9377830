import { difference, dot, type Matrix } from "../../monitor/matrix.ts";
import { whitenedCoordinates } from "../../monitor/mean-shift.ts";

/** Vectors of the deployed model, each n × d. */
export type ShiftSamples = {
  /** the reference that live traffic is compared with */
  readonly accepted: Matrix;
  /** captured traffic as it looks now */
  readonly live: Matrix;
  /** the evaluation set's queries of the old and of the new domain */
  readonly old: Matrix;
  readonly shifted: Matrix;
};

/** Lengths in standard deviations of a vector, without what sampling alone brings. */
export type ExplainedShift = {
  /** from the accepted reference to live traffic */
  readonly effect: number;
  /** from the nearest mixture of the evaluation set's two domains to live traffic */
  readonly residual: number;
  /** 1 − residual²/effect²: 1 when the evaluation set has what came, near 0 when it has nothing of it */
  readonly explained: number;
  readonly samples: number;
};

/** Captured samples that are compared: the newest, which show how traffic looks now. */
export const mostLive = 1000;
/** A residual below this is no other domain: a shift of that size takes the detector long to see by itself. */
const leastResidual = 0.25;
/** Of a large shift the slice may leave more, as long as it shows nearly all of it. */
const leastExplained = 0.9;

/**
 * How much of the shift in live traffic the labelled slice of the new domain shows: the mean of live vectors is compared
 * with the segment between the means of both labelled domains, in whitened coordinates. A gain on a slice of another world
 * than the one that came proves nothing about it.
 *
 * @returns null when a sample is missing or the reference has no spread
 */
export function explainShift({ accepted, live, old, shifted }: ShiftSamples): ExplainedShift | null {
  if (accepted.rows < 3 || live.rows < 3 || old.rows < 3 || shifted.rows < 3) return null;
  const coordinates = whitenedCoordinates(accepted);
  if (!coordinates) return null;
  const from = coordinates.reference;
  const to = coordinates.meanOf(live);
  const start = coordinates.meanOf(old);
  const end = coordinates.meanOf(shifted);
  const along = difference(end.mean, start.mean);
  const length = squares(along);
  const share = length > 0 ? Math.min(1, Math.max(0, dot(along, difference(to.mean, start.mean)) / length)) : 0;
  const nearest = start.mean.map((value, j) => value + share * (along[j] ?? 0));
  const noise = (1 - share) ** 2 * start.noise + share ** 2 * end.noise;
  const effect = Math.max(0, squares(difference(to.mean, from.mean)) - to.noise - from.noise);
  const residual = Math.max(0, squares(difference(to.mean, nearest)) - to.noise - noise);
  const explained = effect > 0 ? Math.max(0, 1 - residual / effect) : 0;
  return { effect: Math.sqrt(effect), residual: Math.sqrt(residual), explained, samples: live.rows };
}

/** Whether a gain on the labelled slice says anything of what came. */
export function isExplained({ residual, explained }: ExplainedShift): boolean {
  return residual < leastResidual || explained >= leastExplained;
}

function squares(a: Float64Array): number {
  return dot(a, a);
}
