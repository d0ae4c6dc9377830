import { dot, type Matrix, row, selectRows } from "./matrix.ts";
import { type Random, shuffle } from "./random.ts";
import { fitWhitening } from "./whitening.ts";

/** A change of the mean that counts, in standard deviations of a vector: as far as two references may differ (page 0013). */
const leastShift = 0.25;
/** Rows that a mean before the change needs. */
const leastBefore = 30;
/** With 99, a change is found where there is none in one of a hundred cases. */
const permutations = 99;
/** Changes that are followed: each halves what is left of a long history, or is the end of a ramp. */
const mostChanges = 8;
const mostFitted = 2000;
/** Rows within which vectors are looked at for dependence, and the share of them over which it may reach. */
const window = 200;
const reach = 1 / 4;
/** Lengths of the dependence that a permuted block holds. */
const blockLengths = 4;
const leastBlocks = 15;

/**
 * Where the newest stretch begins in which vectors look alike: binary segmentation (Vostrikova 1981) towards the newest.
 * A split of n vectors into the newest s and those before has the statistic of a change in mean,
 *
 *   C(s) = s (n − s)/n · |m_new − m_old|²
 *
 * in the leading whitened coordinates of all of them. The largest C is a change when no permutation of the residuals, what
 * is left without the two means, has as large a one, and when it moves the mean by 0.25 standard deviations beyond what the
 * permutations do. Then the newest s are searched in turn.
 *
 * Vectors that come together are alike: batches, sessions. So permuted are blocks (Kirch 2007) four times as long as the
 * dependence reaches; where 15 of them are not to be had nothing can be told. What stays alike for 200 rows is a change.
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
  let first = 0;
  for (let changes = 0; changes < mostChanges; changes++) {
    const newer = rowsFrom(coordinates, first);
    if (newer.rows < Math.max(least + leastBefore, leastBlocks * block)) break;
    const split = largestSplit(newer, least);
    if (!isChange(newer, split, block, least, random)) break;
    first += split.at;
  }
  return first;
}

/** The newest begin at row `at`. */
type Split = { readonly at: number; readonly statistic: number };

function isChange(rows: Matrix, split: Split, block: number, least: number, random: Random): boolean {
  const residuals = withoutMeans(rows, split.at);
  let byChance = 0;
  for (let i = 0; i < permutations; i++) {
    const mixed = permuted(residuals, block, random);
    if (largestSplit(mixed, least).statistic >= split.statistic) return false;
    byChance += statisticAt(mixed, split.at) / permutations;
  }
  // |m_new − m_old|² = n/(s (n − s)) · C
  const square = (rows.rows / (split.at * (rows.rows - split.at))) * (split.statistic - byChance);
  return square >= leastShift ** 2;
}

function largestSplit(rows: Matrix, least: number): Split {
  let best: Split = { at: 0, statistic: 0 };
  eachSplit(rows, rows.rows - least, (at, statistic) => {
    if (at >= leastBefore && statistic > best.statistic) best = { at, statistic };
  });
  return best;
}

function statisticAt(rows: Matrix, at: number): number {
  let found = 0;
  eachSplit(rows, at, (_, statistic) => {
    found = statistic;
  });
  return found;
}

/** @param most  the last split */
function eachSplit(
  { rows: n, columns, data }: Matrix,
  most: number,
  see: (at: number, statistic: number) => void,
): void {
  const total = new Float64Array(columns);
  for (let k = 0; k < data.length; k++) total[k % columns]! += data[k]!;
  const sum = new Float64Array(columns);
  for (let at = 1; at <= most; at++) {
    let square = 0;
    for (let j = 0; j < columns; j++) {
      sum[j]! += data[(at - 1) * columns + j]!;
      square += (sum[j]! - (at / n) * total[j]!) ** 2;
    }
    // m_old − m_new = n/(at (n − at)) · (sum − at/n · total)
    see(at, (n / (at * (n - at))) * square);
  }
}

function withoutMeans({ rows, columns, data }: Matrix, at: number): Matrix {
  const centred = Float32Array.from(data);
  for (const [from, to] of [
    [0, at],
    [at, rows],
  ] as const) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let i = from; i < to; i++) sum += data[i * columns + j]!;
      for (let i = from; i < to; i++) centred[i * columns + j]! -= sum / (to - from);
    }
  }
  return { rows, columns, data: centred };
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
 * Rows of a block that may be permuted: 1 when vectors are independent. Vectors are compared with those k rows on, each
 * less the mean of its window, so that changes of the mean do not look like dependence.
 *
 * @returns null when the dependence reaches further than can be seen
 */
function blockOf(rows: Matrix): number | null {
  const { columns } = rows;
  const centred = withoutWindowMeans(rows);
  const dependence = (lag: number): number => {
    let [product, squares] = [0, 0];
    for (let i = 0; i < rows.rows; i++) {
      const own = row(centred, i);
      squares += dot(own, own);
      if ((i % window) + lag < window && i + lag < rows.rows) product += dot(own, row(centred, i + lag));
    }
    return ((product / squares) * window) / (window - lag);
  };
  // A window's own mean takes 1/window from each.
  const chance = 3 / Math.sqrt(rows.rows * columns) - 1 / window;
  for (let lag = 1; lag <= window * reach; lag++) {
    if (dependence(lag) <= chance) return lag === 1 ? 1 : blockLengths * lag;
  }
  return null;
}

function withoutWindowMeans({ rows, columns, data }: Matrix): Matrix {
  const centred = Float32Array.from(data);
  for (let from = 0; from < rows; from += window) {
    const to = Math.min(rows, from + window);
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let i = from; i < to; i++) sum += data[i * columns + j]!;
      for (let i = from; i < to; i++) centred[i * columns + j]! -= sum / (to - from);
    }
  }
  return { rows, columns, data: centred };
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
