import { type Matrix, row } from "./matrix.ts";
import type { Random } from "./random.ts";

/** Number of centroids of a reference. */
export const centroidCount = 64;

/** What `nearestCentroid` writes its answer to, so that the hot path allocates nothing. */
export type Nearest = { index: number; cosine: number };

/**
 * Spherical k-means (Dhillon and Modha 2001) with k-means++ seeding (Arthur and Vassilvitskii 2007).
 *
 * @param samples  n × d, not zero
 * @returns min(k, n) unit rows
 */
export function sphericalKMeans(samples: Matrix, k: number, random: Random, rounds = 12): Matrix {
  const units = unitRows(samples);
  const count = Math.min(k, units.rows);
  const centroids: Matrix = { rows: count, columns: units.columns, data: new Float32Array(count * units.columns) };
  seedCentroids(units, centroids, random);
  const assignment = new Int32Array(units.rows).fill(-1);
  const nearest: Nearest = { index: 0, cosine: 0 };
  for (let round = 0; round < rounds; round++) {
    let moved = 0;
    for (let i = 0; i < units.rows; i++) {
      nearestCentroid(centroids, row(units, i), 1, nearest);
      if (assignment[i] !== nearest.index) moved++;
      assignment[i] = nearest.index;
    }
    if (moved === 0) break;
    updateCentroids(units, assignment, centroids);
  }
  return centroids;
}

/**
 * The centroid with the largest cosine to x.
 *
 * @param centroids  unit rows
 * @param length     ‖x‖
 * @param nearest    where the answer is written
 */
export function nearestCentroid(centroids: Matrix, x: Float32Array, length: number, nearest: Nearest): void {
  const { rows, columns: d, data } = centroids;
  let best = -Infinity;
  let index = 0;
  let c = 0;
  // Four centroids at a time: x is read once for four sums that do not wait for each other.
  for (; c + 3 < rows; c += 4) {
    const start = c * d;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let j = 0; j < d; j++) {
      const value = x[j]!;
      s0 += value * data[start + j]!;
      s1 += value * data[start + d + j]!;
      s2 += value * data[start + 2 * d + j]!;
      s3 += value * data[start + 3 * d + j]!;
    }
    const largest = Math.max(s0, s1, s2, s3);
    if (largest > best) {
      best = largest;
      index = c + (largest === s0 ? 0 : largest === s1 ? 1 : largest === s2 ? 2 : 3);
    }
  }
  for (; c < rows; c++) {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += x[j]! * data[c * d + j]!;
    if (sum > best) {
      best = sum;
      index = c;
    }
  }
  nearest.index = index;
  nearest.cosine = length > 0 ? best / length : 0;
}

/** Each next seed is drawn with probability proportional to 1 − its largest cosine so far. */
function seedCentroids(units: Matrix, centroids: Matrix, random: Random): void {
  const distance = new Float64Array(units.rows).fill(2);
  let chosen = random.integer(units.rows);
  for (let c = 0; c < centroids.rows; c++) {
    const seed = row(units, chosen);
    row(centroids, c).set(seed);
    let total = 0;
    for (let i = 0; i < units.rows; i++) {
      const x = row(units, i);
      let sum = 0;
      for (let j = 0; j < x.length; j++) sum += x[j]! * seed[j]!;
      distance[i] = Math.min(distance[i]!, Math.max(0, 1 - sum));
      total += distance[i]!;
    }
    chosen = drawProportional(distance, total, random);
  }
}

/** An index drawn with probability weight/total; any when all weights are zero. */
function drawProportional(weights: Float64Array, total: number, random: Random): number {
  if (total === 0) return random.integer(weights.length);
  const target = random.uniform() * total;
  let sum = 0;
  const index = weights.findIndex((weight) => {
    sum += weight;
    return sum > target;
  });
  return index < 0 ? weights.length - 1 : index;
}

/** An empty centroid stays where it was. */
function updateCentroids(units: Matrix, assignment: Int32Array, centroids: Matrix): void {
  const { columns: d } = units;
  const sums = new Float64Array(centroids.rows * d);
  for (let i = 0; i < units.rows; i++) {
    const start = assignment[i]! * d;
    const x = row(units, i);
    for (let j = 0; j < d; j++) sums[start + j] = sums[start + j]! + x[j]!;
  }
  for (let c = 0; c < centroids.rows; c++) {
    let length = 0;
    for (let j = 0; j < d; j++) length += sums[c * d + j]! ** 2;
    length = Math.sqrt(length);
    if (length === 0) continue;
    for (let j = 0; j < d; j++) centroids.data[c * d + j] = sums[c * d + j]! / length;
  }
}

function unitRows(samples: Matrix): Matrix {
  const data = samples.data.slice();
  const units = { ...samples, data };
  for (let i = 0; i < samples.rows; i++) {
    const x = row(units, i);
    let length = 0;
    for (const value of x) length += value * value;
    length = Math.sqrt(length) || 1;
    for (let j = 0; j < x.length; j++) x[j] = x[j]! / length;
  }
  return units;
}
