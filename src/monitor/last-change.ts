import { dot, type Matrix, row, selectRows } from "./matrix.ts";
import { type Random, shuffle } from "./random.ts";
import { fitWhitening } from "./whitening.ts";

/** A change of the mean that counts, in standard deviations of a vector: as far as two references may differ (page 0013). */
const leastShift = 0.25;
/** Rows that a mean before the change needs. */
const leastBefore = 30;
/** With 499, a length is cut where there is no change in one of five hundred cases. */
const permutations = 499;
/** Each length that is looked at to the one before. */
const growth = 1.25;
const mostFitted = 2000;
/** Blocks that are permuted at least, and that the dependence is measured on. */
const leastBlocks = 10;
const measuredBlocks = 30;
/** Share of neighbouring blocks, those that differ most, between which the mean may have changed. */
const changed = 0.1;
/** How much larger the variance of longer blocks may be at least. */
const slack = 0.25;

/**
 * Where the newest stretch begins in which vectors look alike. The newest rows are searched in growing lengths, so that
 * the last change is found first. A split of n rows into the newest s and those before has the statistic of a change in
 * mean,
 *
 *   C(s) = s (n − s)/n · |m_new − m_old|²
 *
 * in the leading whitened coordinates of all of them. The largest C is a change when no permutation of the rows has as
 * large a one, and when it moves the mean by 0.25 standard deviations beyond what the permutations do.
 *
 * Vectors that come together are alike: batches, sessions. So permuted are blocks (Kirch 2007) of a thirtieth of all
 * vectors; where dependence reaches further nothing can be told.
 *
 * @param vectors  n × d, oldest first
 * @param least    vectors of the newest stretch at least
 * @returns its first row; 0 when nothing changes, or cannot be told
 */
export function lastChange(vectors: Matrix, least: number, random: Random): number {
  if (vectors.rows < least + leastBefore) return 0;
  const coordinates = whitened(vectors, random);
  const block = coordinates && blockOf(coordinates);
  if (!coordinates || block === null) return 0;
  const shortest = Math.max(least + leastBefore, leastBlocks * block);
  for (let length = shortest; ; length = Math.min(vectors.rows, Math.ceil(growth * length))) {
    if (length > vectors.rows) return 0;
    const first = vectors.rows - length;
    const newest = rowsFrom(coordinates, first);
    const split = largestSplit(splitStatistics(newest, least));
    if (isChange(newest, split, block, least, random)) return first + split.at;
    if (length === vectors.rows) return 0;
  }
}

/** The newest begin at row `at`. */
type Split = { readonly at: number; readonly statistic: number };

function isChange(rows: Matrix, split: Split, block: number, least: number, random: Random): boolean {
  let byChance = 0;
  for (let i = 0; i < permutations; i++) {
    const mixed = splitStatistics(permuted(rows, block, random), least);
    if (largestSplit(mixed).statistic >= split.statistic) return false;
    byChance += mixed[split.at]! / permutations;
  }
  // |m_new − m_old|² = n/(s (n − s)) · C
  const square = (rows.rows / (split.at * (rows.rows - split.at))) * (split.statistic - byChance);
  return square >= leastShift ** 2;
}

function largestSplit(statistics: Float64Array): Split {
  let best: Split = { at: 0, statistic: 0 };
  for (let at = leastBefore; at < statistics.length; at++) {
    const statistic = statistics[at]!;
    if (statistic > best.statistic) best = { at, statistic };
  }
  return best;
}

/** C of each split, by the rows before it, that leaves the newest `least`; 0 of none before. */
function splitStatistics({ rows: n, columns, data }: Matrix, least: number): Float64Array {
  const total = new Float64Array(columns);
  for (let k = 0; k < data.length; k++) total[k % columns]! += data[k]!;
  const sum = new Float64Array(columns);
  const statistics = new Float64Array(n - least + 1);
  for (let at = 1; at < statistics.length; at++) {
    let square = 0;
    for (let j = 0; j < columns; j++) {
      sum[j]! += data[(at - 1) * columns + j]!;
      square += (sum[j]! - (at / n) * total[j]!) ** 2;
    }
    // m_old − m_new = n/(at (n − at)) · (sum − at/n · total)
    statistics[at] = (n / (at * (n - at))) * square;
  }
  return statistics;
}

/** Blocks of rows in another order, begun anywhere. */
function permuted({ rows, columns, data }: Matrix, block: number, random: Random): Matrix {
  const start = random.integer(block);
  const starts = [
    ...(start > 0 ? [0] : []),
    ...range(0, Math.ceil((rows - start) / block)).map((i) => start + i * block),
  ];
  const mixed = new Float32Array(data.length);
  let filled = 0;
  for (const from of shuffle(starts, random)) {
    const to = from < start ? start : Math.min(rows, from + block);
    mixed.set(data.subarray(from * columns, to * columns), filled);
    filled += (to - from) * columns;
  }
  return { rows, columns, data: mixed };
}

/**
 * Rows of a block that may be permuted, a thirtieth of all. Means of neighbouring blocks of b independent rows differ by
 * 2 σ²/b, and b times that grows with b as far as the dependence reaches. Neighbours are compared, and the tenth that differ
 * most left out, so that a change of the mean does not look like dependence.
 *
 * @returns null when the dependence reaches further: that times b has still grown over the last two doublings of b
 */
function blockOf(rows: Matrix): number | null {
  const block = 2 ** Math.floor(Math.log2(Math.max(1, rows.rows / measuredBlocks)));
  // Neighbours share a block: the estimate's own variance is 3 over the differences and the independent coordinates, and
  // shorter blocks add theirs.
  const chance = 3 * Math.sqrt(5 / (measuredBlocks * independentCoordinates(rows)));
  const grown = longRunVariance(rows, block) / longRunVariance(rows, Math.max(1, block / 4)) - 1;
  return grown > Math.max(slack, chance) ? null : block;
}

/** (Σ σ²)² / Σ σ⁴: a coordinate along which vectors hardly differ does not count. */
function independentCoordinates({ rows, columns, data }: Matrix): number {
  const squares = new Float64Array(columns);
  for (let k = 0; k < data.length; k++) squares[k % columns]! += data[k]! ** 2 / rows;
  const [sum, fourth] = [squares.reduce((all, one) => all + one, 0), squares.reduce((all, one) => all + one ** 2, 0)];
  return sum ** 2 / fourth;
}

function longRunVariance({ rows, columns, data }: Matrix, size: number): number {
  const blocks = Math.floor(rows / size);
  const sums = new Float64Array(blocks * columns);
  for (let i = 0; i < blocks * size; i++) {
    const start = Math.floor(i / size) * columns;
    for (let j = 0; j < columns; j++) sums[start + j]! += data[i * columns + j]!;
  }
  const squares = new Float64Array(blocks - 1);
  for (let k = columns; k < sums.length; k++)
    squares[Math.floor(k / columns) - 1]! += (sums[k]! - sums[k - columns]!) ** 2;
  const kept = squares.sort().subarray(0, Math.ceil((1 - changed) * squares.length));
  return kept.reduce((sum, square) => sum + square, 0) / kept.length / (2 * size);
}

/** n × r, null when all vectors are equal. */
function whitened(vectors: Matrix, random: Random): Matrix | null {
  const drawn = shuffle(range(0, vectors.rows), random).slice(0, mostFitted);
  try {
    const { mean, basis, variances, ridge } = fitWhitening(selectRows(vectors, drawn), random);
    const data = new Float32Array(vectors.rows * basis.rows);
    const centred = new Float64Array(vectors.columns);
    for (let i = 0; i < vectors.rows; i++) {
      const vector = row(vectors, i);
      for (let j = 0; j < centred.length; j++) centred[j] = vector[j]! - mean[j]!;
      for (let r = 0; r < basis.rows; r++) {
        data[i * basis.rows + r] = dot(row(basis, r), centred) / Math.sqrt(variances[r]! + ridge);
      }
    }
    return { rows: vectors.rows, columns: basis.rows, data };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function rowsFrom({ rows, columns, data }: Matrix, first: number): Matrix {
  return { rows: rows - first, columns, data: data.subarray(first * columns) };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
