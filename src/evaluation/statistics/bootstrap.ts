import { seededRandom } from "../../monitor/random.ts";
import type { BySource } from "./source-means.ts";

export const defaultResamples = 10_000;

/**
 * Bootstrap distribution of the mean over rows when sources are drawn with replacement (Efron and Tibshirani 1993,
 * chapter 8).
 *
 * @returns `resamples` means, ascending
 */
export function bootstrapMeans({ sums, counts }: BySource, resamples: number, seed: number): Float64Array {
  const n = sums.length;
  const random = seededRandom(seed);
  const means = new Float64Array(resamples);
  const single = counts.every((count) => count === 1);
  for (let b = 0; b < resamples; b++) {
    let total = 0;
    let rows = single ? n : 0;
    for (let i = 0; i < n; i++) {
      const source = Math.floor((random.uint32() / 4_294_967_296) * n);
      total += sums[source] ?? 0;
      if (!single) rows += counts[source] ?? 0;
    }
    means[b] = total / rows;
  }
  return means.sort();
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
