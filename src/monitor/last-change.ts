import { dot, type Matrix, row, selectRows } from "./matrix.ts";
import { meanShift } from "./mean-shift.ts";
import { type Random, shuffle } from "./random.ts";
import { fitWhitening } from "./whitening.ts";

/** A change of the mean that counts, in standard deviations of a vector: as far as two references may differ (page 0013). */
const leastShift = 0.25;
/** Rows that a mean before the change needs. */
const leastBefore = 30;
/** With 99, a change is found where there is none in one of a hundred cases. */
const permutations = 99;
const mostFitted = 2000;

/**
 * Where the newest stretch begins in which vectors look alike: binary segmentation (Vostrikova 1981) towards the newest.
 * A split of n vectors into the newest s and those before has the statistic of a change in mean,
 *
 *   C(s) = s (n − s)/n · |m_new − m_old|²
 *
 * in the leading whitened coordinates of all of them. The largest C is a change when no permutation of the vectors has
 * as large a one (as in Matteson and James 2014) and it moves the mean by 0.25 standard deviations. Then the newest s are
 * searched in turn.
 *
 * @param vectors  n × d, oldest first
 * @param least    vectors of the newest stretch at least
 * @returns its first row; 0 when nothing changes, or cannot be told
 */
export function lastChange(vectors: Matrix, least: number, random: Random): number {
  if (vectors.rows < least + leastBefore) return 0;
  const coordinates = whitened(vectors, random);
  if (!coordinates) return 0;
  let first = 0;
  while (vectors.rows - first >= least + leastBefore) {
    const order = range(first, vectors.rows);
    const change = largestSplit(coordinates, order, least);
    if (!isUnlikely(coordinates, order, least, change.statistic, random)) break;
    const [before, after] = [range(first, first + change.at), range(first + change.at, vectors.rows)];
    const shift = meanShift(selectRows(vectors, after), selectRows(vectors, before));
    if (shift === null || shift < leastShift) break;
    first += change.at;
  }
  return first;
}

function isUnlikely(
  coordinates: Matrix,
  order: readonly number[],
  least: number,
  statistic: number,
  random: Random,
): boolean {
  const mixed = [...order];
  for (let i = 0; i < permutations; i++) {
    if (largestSplit(coordinates, shuffle(mixed, random), least).statistic >= statistic) return false;
  }
  return true;
}

/** The split with the largest C(s), `at` rows from the first. */
function largestSplit(coordinates: Matrix, order: readonly number[], least: number): { at: number; statistic: number } {
  const n = order.length;
  const width = coordinates.columns;
  // As the coordinates are centred on all rows but not on these, the sums are compared with their share of the total.
  const total = new Float64Array(width);
  for (const index of order) for (let j = 0; j < width; j++) total[j]! += coordinates.data[index * width + j]!;
  const sum = new Float64Array(width);
  let best = { at: 0, statistic: 0 };
  for (let at = 1; at <= n - least; at++) {
    const start = order[at - 1]! * width;
    let square = 0;
    for (let j = 0; j < width; j++) {
      sum[j]! += coordinates.data[start + j]!;
      square += (sum[j]! - (at / n) * total[j]!) ** 2;
    }
    // |m_old − m_new| = n/(at (n − at)) · |sum − at/n · total|
    const statistic = (n / (at * (n - at))) * square;
    if (at >= leastBefore && statistic > best.statistic) best = { at, statistic };
  }
  return best;
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

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
