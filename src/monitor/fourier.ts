import { type Matrix, row } from "./matrix.ts";
import { type Random, seededRandom } from "./random.ts";

/** What random Fourier features are made from; the frequencies follow from it. */
export type FourierSettings = {
  /** d, length of an input */
  readonly dimension: number;
  /** D, number of features: a power of two, half cosines and half sines */
  readonly features: number;
  readonly seed: number;
  /** Bandwidth of the Gaussian kernel exp(−‖x − y‖² / 2σ²) */
  readonly sigma: number;
};

/** φ(x) is added to `sums`, an array of length D, without allocating. */
export type FourierFeatures = { readonly add: (x: Float32Array, sums: Float64Array) => void };

/**
 * Random Fourier features (Rahimi and Recht 2007), φ(x) = √(2/D) [cos ω·x, sin ω·x], with structured orthogonal
 * frequencies (Yu et al. 2016, section 4):
 *
 *   W = (√p / σ) H D₁ H D₂ H D₃
 *
 * H is the normalised Walsh-Hadamard matrix of size p, a power of two of at least d; D are random signs. Only the first D/2
 * rows of the last H are needed: they are the transform of a fold by addition. Dense frequencies took three times as
 * long at d = 768 and hold D × d numbers in memory.
 */
export function fourierFeatures(settings: FourierSettings): FourierFeatures {
  const { dimension, features, seed, sigma } = settings;
  const frequencies = features / 2;
  // Padding also makes up for few dimensions, in which the frequencies would all be of one length.
  const size = powerOfTwoFrom(Math.max(dimension, frequencies));
  // D₃, D₂ and D₁, one after the other.
  const signs = randomSigns(3 * size, seededRandom(seed));
  // Each unnormalised transform is √p times H, so √p · H·H·H is the product of all three over p.
  const scale = 1 / (sigma * size);
  const amplitude = Math.sqrt(2 / features);
  const work = new Float64Array(size);

  return {
    add(x, sums) {
      for (let j = 0; j < dimension; j++) work[j] = x[j]! * signs[j]!;
      work.fill(0, dimension);
      hadamard(work, size);
      for (let j = 0; j < size; j++) work[j] = work[j]! * signs[size + j]!;
      hadamard(work, size);
      for (let j = 0; j < size; j++) work[j] = work[j]! * signs[2 * size + j]!;
      for (let start = frequencies; start < size; start += frequencies) {
        for (let j = 0; j < frequencies; j++) work[j] = work[j]! + work[start + j]!;
      }
      hadamard(work, frequencies);
      for (let j = 0; j < frequencies; j++) {
        const phase = work[j]! * scale;
        sums[j] = sums[j]! + amplitude * Math.cos(phase);
        sums[frequencies + j] = sums[frequencies + j]! + amplitude * Math.sin(phase);
      }
    },
  };
}

/**
 * The median heuristic for σ: the median distance of pairs (Gretton et al. 2012, section 8).
 *
 * @throws {RangeError} when most pairs are equal
 */
export function medianDistance(samples: Matrix, random: Random): number {
  const distances = new Float64Array(1000);
  for (let pair = 0; pair < distances.length; pair++) {
    const first = random.integer(samples.rows);
    const second = (first + 1 + random.integer(samples.rows - 1)) % samples.rows;
    const [x, y] = [row(samples, first), row(samples, second)];
    let sum = 0;
    for (let j = 0; j < x.length; j++) sum += (x[j]! - y[j]!) ** 2;
    distances[pair] = Math.sqrt(sum);
  }
  const median = distances.sort()[distances.length >> 1]!;
  if (!(median > 0)) throw new RangeError("most reference vectors are equal: the kernel has no bandwidth");
  return median;
}

/** The unnormalised Walsh-Hadamard transform of the first `size` values, in place. */
function hadamard(values: Float64Array, size: number): void {
  for (let half = 1; half < size; half *= 2) {
    for (let start = 0; start < size; start += 2 * half) {
      for (let j = start; j < start + half; j++) {
        const x = values[j]!;
        const y = values[j + half]!;
        values[j] = x + y;
        values[j + half] = x - y;
      }
    }
  }
}

function randomSigns(size: number, random: Random): Float64Array {
  return Float64Array.from({ length: size }, () => (random.uint32() & 0x8000_0000 ? 1 : -1));
}

function powerOfTwoFrom(n: number): number {
  let size = 1;
  while (size < n) size *= 2;
  return size;
}
