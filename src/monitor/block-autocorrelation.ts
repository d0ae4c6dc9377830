import { difference, dot, norm } from "./matrix.ts";
import type { Reference } from "./reference.ts";
import { blockStatistics, type Sketch } from "./sketch.ts";
import { whiten } from "./whitening.ts";

/** Whether blocks are longer than the traffic's mixing time (decision 1): then it is about 0. */
export type BlockAutocorrelation = {
  /** Lag 1, in [−1, 1]. */
  readonly value: number;
  /** Three standard errors under it. */
  readonly lower: number;
};

/** Pairs of differences that an estimate needs. */
const leastPairs = 16;
/** A difference longer than this many medians is shortened to it: a jump is a drift, not a correlation. */
const longest = 3;

/**
 * Lag-1 autocorrelation of whitened vectors in the order of time, from their first differences:
 *
 *   d_t = z_t+1 − z_t − mean,   ρ = Σ d_t·d_t+1 / Σ ½(|d_t|² + |d_t+1|²),   φ = 1 + 2ρ
 *
 * as differences of an AR(1) process have the correlation −(1 − φ)/2. Longer blocks would do nothing against a slow rise
 * or a jump; of these differences take out the one, and are too few for the other. At φ = 0 differences are a moving
 * average with ρ = −½, so that Var ρ = ½/N for one component (Bartlett 1946) and less for several of variances v:
 * ½ Σv²/(Σv)²/N.
 *
 * @param rows  null where a block is missing
 * @returns null with fewer than 16 pairs of differences, or when nothing varies
 */
export function serialCorrelation(rows: readonly (Float64Array | null)[]): BlockAutocorrelation | null {
  const raw = rows.slice(1).map((next, i) => {
    const before = rows[i];
    return next && before ? difference(next, before) : null;
  });
  const differences = shortened(centred(raw));
  const pairs = differences.slice(1).flatMap((next, i) => {
    const before = differences[i];
    return next && before ? [[before, next] as const] : [];
  });
  const energy = pairs.reduce((sum, [x, y]) => sum + (dot(x, x) + dot(y, y)) / 2, 0);
  if (pairs.length < leastPairs || !(energy > 0)) return null;
  const rho = pairs.reduce((sum, [x, y]) => sum + dot(x, y), 0) / energy;
  const value = Math.max(-1, Math.min(1, 1 + 2 * rho));
  const components = componentsOf(differences);
  const spread = components.reduce((sum, v) => sum + v * v, 0) / components.reduce((sum, v) => sum + v, 0) ** 2;
  return { value, lower: value - 3 * 2 * Math.sqrt((0.5 * spread) / pairs.length) };
}

/**
 * @param sketches  of blocks in the order of time; those of fewer vectors, or of another reference, count as missing
 */
export function blockAutocorrelation(
  sketches: readonly Sketch[],
  { hash, whitening }: Reference,
  minVectors: number,
): BlockAutocorrelation | null {
  const rows: (Float64Array | null)[] = [];
  let last: number | null = null;
  for (const sketch of sketches) {
    if (sketch.reference !== hash || sketch.n < minVectors) continue;
    const { block, mean } = blockStatistics(sketch);
    if (last !== null && block !== last + 1) rows.push(null);
    rows.push(whiten(whitening, mean, -0.5));
    last = block;
  }
  return serialCorrelation(rows);
}

type Differences = readonly (Float64Array | null)[];

function centred(differences: Differences): Differences {
  const present = differences.filter((one) => one !== null);
  const mean = new Float64Array(present[0]?.length ?? 0);
  for (const one of present) one.forEach((value, j) => (mean[j] = mean[j]! + value / present.length));
  return differences.map((one) => one && difference(one, mean));
}

function shortened(differences: Differences): Differences {
  const lengths = differences.flatMap((one) => (one ? [norm(one)] : [])).sort((a, b) => a - b);
  const most = longest * (lengths[Math.floor(lengths.length / 2)] ?? 0);
  return differences.map((one) => {
    const length = one ? norm(one) : 0;
    return one && length > most ? one.map((value) => (value * most) / length) : one;
  });
}

/** Variance of each component, up to a factor. */
function componentsOf(differences: Differences): Float64Array {
  const sums = new Float64Array(differences.find((one) => one !== null)?.length ?? 0);
  for (const one of differences) one?.forEach((value, j) => (sums[j] = sums[j]! + value * value));
  return sums;
}
