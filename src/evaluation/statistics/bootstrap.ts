import { type Random, seededRandom } from "../../monitor/index.ts";
import type { BySource } from "./source-means.ts";

export const defaultResamples = 10_000;

/** From this many unlike sources on, drawing each is faster than drawing how often each kind comes. */
const mostKinds = 64;

/**
 * Bootstrap distribution of the mean over rows when sources are drawn with replacement (Efron and Tibshirani 1993,
 * chapter 8).
 *
 * Scores of rows take few values, so most sources are alike. How often each kind is drawn is multinomial, which is drawn
 * as one binomial after the other: the same distribution for a tenth of the work.
 *
 * @returns `resamples` means, ascending
 */
export function bootstrapMeans(scores: BySource, resamples: number, seed: number): Float64Array {
  const random = seededRandom(seed);
  const kinds = kindsOf(scores);
  const draw = kinds.length <= mostKinds ? () => drawKinds(kinds, random) : () => drawSources(scores, random);
  return Float64Array.from({ length: resamples }, draw).sort();
}

/** Sources of the same sum and count, rare kinds first. */
type Kind = { readonly sum: number; readonly count: number; sources: number };

function kindsOf({ sums, counts }: BySource): Kind[] {
  const kinds = new Map<string, Kind>();
  for (let i = 0; i < sums.length; i++) {
    const [sum, count] = [sums[i] ?? 0, counts[i] ?? 0];
    const key = `${sum} ${count}`;
    const kind = kinds.get(key) ?? { sum, count, sources: 0 };
    kind.sources += 1;
    kinds.set(key, kind);
  }
  return [...kinds.values()].sort((a, b) => a.sources - b.sources);
}

/** The mean of one resample. */
function drawKinds(kinds: readonly Kind[], random: Random): number {
  let remaining = kinds.reduce((sum, { sources }) => sum + sources, 0);
  let draws = remaining;
  let total = 0;
  let rows = 0;
  for (const { sum, count, sources } of kinds) {
    const drawn = binomial(draws, sources / remaining, random);
    total += drawn * sum;
    rows += drawn * count;
    draws -= drawn;
    remaining -= sources;
  }
  return total / rows;
}

/** Successes of n trials, by the gaps between them (Devroye 1986, section X.4.3). */
function binomial(n: number, p: number, random: Random): number {
  if (p >= 1) return n;
  if (p > 0.5) return n - binomial(n, 1 - p, random);
  const failure = Math.log1p(-p);
  let successes = -1;
  for (let trial = 0; trial <= n; successes++) trial += 1 + Math.floor(Math.log(1 - random.uniform()) / failure);
  return successes;
}

function drawSources({ sums, counts }: BySource, random: Random): number {
  const n = sums.length;
  let total = 0;
  let rows = 0;
  for (let i = 0; i < n; i++) {
    const source = Math.floor((random.uint32() / 4_294_967_296) * n);
    total += sums[source] ?? 0;
    rows += counts[source] ?? 0;
  }
  return total / rows;
}

/** The value that at most a share `p` of the distribution lies below. @param sorted ascending */
export function lowerQuantile(sorted: Float64Array, p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * (sorted.length + 1)) - 1))] ?? Number.NaN;
}

/** How many are at most `value`. @param sorted ascending */
export function countAtMost(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Number.NaN) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
