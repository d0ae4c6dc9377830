/**
 * Scores summed by the source they come from. Rows of one source are not independent, so tests resample sources, never
 * rows (decision 17).
 */
export type BySource = {
  /** sum of the scores of each source */
  readonly sums: Float64Array;
  /** rows of each source */
  readonly counts: Float64Array;
};

/**
 * @param scores   one a row
 * @param sources  the source of each row, as any number that names it
 */
export function bySource(scores: ArrayLike<number>, sources: ArrayLike<number>): BySource {
  if (scores.length !== sources.length) {
    throw new RangeError(`${scores.length} scores have ${sources.length} sources`);
  }
  const places = new Map<number, number>();
  const sums: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    const source = sources[i] ?? 0;
    let place = places.get(source);
    if (place === undefined) {
      place = sums.length;
      places.set(source, place);
      sums.push(0);
      counts.push(0);
    }
    sums[place] = (sums[place] ?? 0) + (scores[i] ?? 0);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return { sums: Float64Array.from(sums), counts: Float64Array.from(counts) };
}

/** candidate − other, row by row. */
export function differences(candidate: ArrayLike<number>, other: ArrayLike<number>): Float64Array {
  if (candidate.length !== other.length) {
    throw new RangeError(`${candidate.length} scores are paired with ${other.length}`);
  }
  return Float64Array.from(candidate, (score, i) => score - (other[i] ?? 0));
}

/** Mean over all rows. */
export function mean({ sums, counts }: BySource): number {
  return sum(sums) / sum(counts);
}

/** With one more source of one row. */
export function withSource({ sums, counts }: BySource, score: number): BySource {
  return { sums: Float64Array.of(...sums, score), counts: Float64Array.of(...counts, 1) };
}

/**
 * Variance that a source adds to the mean of rows: n · Var(mean) by linearisation of the ratio of sums
 * (Cochran 1977, eq. 6.10).
 */
export function sourceVariance(scores: BySource): number {
  const n = scores.sums.length;
  const centre = mean(scores);
  const size = sum(scores.counts) / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += ((scores.sums[i] ?? 0) - centre * (scores.counts[i] ?? 0)) ** 2;
  return squares / (n - 1) / size ** 2;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
