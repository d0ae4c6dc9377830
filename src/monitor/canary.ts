import { cosine, type Matrix, norm, row } from "./matrix.ts";
import { procrustesResidual } from "./procrustes.ts";

/** How far the vectors of the same inputs are apart when a pod embeds them again. */
export type RepeatNoise = {
  /** Largest 1 − cosine. */
  readonly distance: number;
  /** Largest |ln(norm ratio)|. */
  readonly logNormRatio: number;
};

export type ProbeComparison = {
  /** Largest 1 − cosine over the probes, in [0, 2]. */
  readonly distance: number;
  readonly meanDistance: number;
  /** The norm ratio actual/expected that is furthest from 1. */
  readonly normRatio: number;
  /** Mean share of each probe's k nearest other probes that stayed the same, in [0, 1]. */
  readonly neighbourOverlap: number;
  /** Residual after the best rotation: small when the space was only turned. */
  readonly procrustes: number;
  readonly match: boolean;
};

/**
 * Below this, differences are those of floating-point arithmetic on other hardware or at half precision; a rotation by
 * 0.05 rad is 12 times as far.
 */
const floor: RepeatNoise = { distance: 1e-4, logNormRatio: 0.01 };
/** Repeats that are further apart are no noise of arithmetic: a pod must not earn lenience by answering at random. */
const ceiling: RepeatNoise = { distance: 0.01, logNormRatio: 0.05 };
/** A comparison may be this many times as far as the repeats were. */
const slack = 3;
const neighbours = 5;

/**
 * Noise of a model that was asked for the same probes several times, measured once at its adoption (decision 6).
 *
 * @param repeats  at least two answers, each probes × d
 */
export function measureRepeatNoise(repeats: readonly Matrix[]): RepeatNoise {
  const [first, ...others] = repeats;
  if (!first || others.length === 0) throw new RangeError("the noise of repeats needs at least two repeats");
  const measured = others.map((other) => probeDistances(first, other));
  return {
    distance: Math.max(...measured.map(({ distance }) => distance)),
    logNormRatio: Math.max(...measured.map(({ normRatio }) => Math.abs(Math.log(normRatio)))),
  };
}

/**
 * Compares the vectors that a pod gives for the probe inputs with the expected ones. A pod gets traffic only after a
 * match. Vectors that are not finite never match.
 *
 * @param expected  probes × d, of the model's bundle
 * @param actual    probes × d, in the same order
 * @throws {RangeError} when the shapes differ
 */
export function compareProbes(expected: Matrix, actual: Matrix, noise: RepeatNoise): ProbeComparison {
  if (expected.rows !== actual.rows || expected.columns !== actual.columns) {
    throw new RangeError(
      `${actual.rows} vectors of length ${actual.columns}, expected ${expected.rows} of length ${expected.columns}`,
    );
  }
  if (!actual.data.every(Number.isFinite)) {
    return { distance: 2, meanDistance: 2, normRatio: 0, neighbourOverlap: 0, procrustes: Math.SQRT2, match: false };
  }
  const { distance, meanDistance, normRatio } = probeDistances(expected, actual);
  const within = (apart: number, fact: keyof RepeatNoise): boolean =>
    apart <= Math.max(floor[fact], slack * Math.min(ceiling[fact], noise[fact]));
  return {
    distance,
    meanDistance,
    normRatio,
    neighbourOverlap: neighbourOverlap(expected, actual),
    procrustes: procrustesResidual(expected, actual),
    match: within(distance, "distance") && within(Math.abs(Math.log(normRatio)), "logNormRatio"),
  };
}

function probeDistances(a: Matrix, b: Matrix): { distance: number; meanDistance: number; normRatio: number } {
  let [distance, total, normRatio] = [0, 0, 1];
  for (let i = 0; i < a.rows; i++) {
    const [x, y] = [row(a, i), row(b, i)];
    const apart = Math.max(0, 1 - cosine(x, y));
    distance = Math.max(distance, apart);
    total += apart;
    const ratio = norm(y) / norm(x);
    if (Math.abs(Math.log(ratio)) > Math.abs(Math.log(normRatio))) normRatio = ratio;
  }
  return { distance, meanDistance: total / a.rows, normRatio };
}

function neighbourOverlap(a: Matrix, b: Matrix): number {
  const k = Math.min(neighbours, a.rows - 1);
  if (k < 1) return 1;
  let shared = 0;
  for (let i = 0; i < a.rows; i++) {
    const before = new Set(nearestTo(a, i, k));
    shared += nearestTo(b, i, k).filter((j) => before.has(j)).length;
  }
  return shared / (a.rows * k);
}

function nearestTo(matrix: Matrix, index: number, k: number): number[] {
  const cosines = Float64Array.from({ length: matrix.rows }, (_, j) => cosine(row(matrix, index), row(matrix, j)));
  return [...cosines.keys()]
    .filter((j) => j !== index)
    .sort((i, j) => cosines[j]! - cosines[i]! || i - j)
    .slice(0, k);
}
