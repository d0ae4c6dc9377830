import { difference, dot, type Matrix, meanRow, row, selectRows } from "./matrix.ts";
import { seededRandom, shuffle } from "./random.ts";
import { fitWhitening, type Whitening, whiten } from "./whitening.ts";

/** Vectors that the covariance is fitted on. */
const mostFitted = 2000;
/** With fewer vectors a mean says little. */
const leastVectors = 30;

/** A whitened mean and the expected square of its own sampling error. */
export type WhitenedMean = { readonly mean: Float64Array; readonly noise: number };

/** Coordinates in which a vector of the reference has about standard deviation 1. */
export type Coordinates = {
  readonly reference: WhitenedMean;
  /** of a sample that the coordinates were not made from */
  readonly meanOf: (sample: Matrix) => WhitenedMean;
};

/**
 * Whitened coordinates of a reference, which are sound for fewer vectors than dimensions too: directions come from one half
 * of it and the variance along them from the other (Lam 2016, "NERCOME"). What was fitted on a vector makes it look typical:
 * of 50 vectors of 768 numbers all lie in the 49 directions that they span, and every other sample seems far away.
 *
 * The halves change roles, and the coordinates of both stand side by side, each over √2, so that squares are means of both.
 *
 * @returns null when the reference has no spread, or fewer than six vectors
 */
export function whitenedCoordinates(reference: Matrix): Coordinates | null {
  const random = seededRandom(1);
  // By chance: references are often sorted.
  const drawn = shuffle(
    Array.from({ length: reference.rows }, (_, i) => i),
    random,
  ).slice(0, mostFitted);
  const middle = Math.floor(drawn.length / 2);
  const halves = [selectRows(reference, drawn.slice(0, middle)), selectRows(reference, drawn.slice(middle))] as const;
  try {
    const [first, second] = halves;
    const whitenings = [heldOut(fitWhitening(first, random), second), heldOut(fitWhitening(second, random), first)];
    const meanOf = (sample: Matrix): Float64Array => {
      const mean = meanRow(sample);
      return sideBySide(whitenings.map((whitening) => whiten(whitening, mean, -0.5)));
    };
    const noiseOf = ({ rows }: Matrix, spreadOf: (whitening: HeldOut) => Spread): number =>
      whitenings.reduce((sum, whitening) => sum + whitenedSquare(spreadOf(whitening), whitening) / 2, 0) / rows;
    return {
      reference: { mean: meanOf(reference), noise: noiseOf(reference, ({ spread }) => spread) },
      meanOf: (sample) => ({
        mean: meanOf(sample),
        noise: noiseOf(sample, ({ basis }) => spreadAlong(basis, sample)),
      }),
    };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Variances of a sample along directions, and the sum of those along all others. */
type Spread = { readonly along: Float64Array; readonly rest: number };

function spreadAlong(basis: Matrix, sample: Matrix): Spread {
  const mean = meanRow(sample);
  const along = new Float64Array(basis.rows);
  let rest = 0;
  for (let i = 0; i < sample.rows; i++) {
    const off = difference(row(sample, i), mean);
    rest += squares(off);
    for (let r = 0; r < basis.rows; r++) {
      const square = dot(row(basis, r), off) ** 2;
      along[r] = (along[r] ?? 0) + square;
      rest -= square;
    }
  }
  const freedom = sample.rows - 1;
  return { along: along.map((sum) => sum / freedom), rest: Math.max(0, rest / freedom) };
}

type HeldOut = Whitening & { readonly spread: Spread };

/** The same directions with the variances of a sample that they were not fitted on. */
function heldOut(fitted: Whitening, sample: Matrix): HeldOut {
  const spread = spreadAlong(fitted.basis, sample);
  const others = fitted.basis.columns - fitted.basis.rows;
  return { ...fitted, variances: spread.along, residual: others > 0 ? spread.rest / others : 0, spread };
}

/** Mean square of a vector's whitened distance to the mean: tr Σ̂ */
function whitenedSquare({ along, rest }: Spread, { variances, residual, ridge }: Whitening): number {
  return along.reduce((sum, variance, r) => sum + variance / ((variances[r] ?? 0) + ridge), rest / (residual + ridge));
}

function sideBySide([first, second]: readonly Float64Array[]): Float64Array {
  return Float64Array.from([...(first ?? []), ...(second ?? [])], (value) => value / Math.SQRT2);
}

/**
 * Mahalanobis distance of two means in standard deviations of a vector of the reference, as `detectorEffect` has it, but
 * without what sampling alone brings:
 *
 *   √max(0, |Σ_λ^−½ (m_x − m_y)|² − tr Σ̂_x/n_x − tr Σ̂_y/n_y)          Σ̂ in whitened coordinates
 *
 * @param sample     n × d
 * @param reference  m × d; Σ_λ is fitted on it
 * @returns null when it cannot be told: fewer than 30 vectors of either, or a reference without spread
 */
export function meanShift(sample: Matrix, reference: Matrix): number | null {
  if (sample.rows < leastVectors || reference.rows < leastVectors) return null;
  const coordinates = whitenedCoordinates(reference);
  if (!coordinates) return null;
  const from = coordinates.reference;
  const to = coordinates.meanOf(sample);
  return Math.sqrt(Math.max(0, squares(difference(to.mean, from.mean)) - to.noise - from.noise));
}

function squares(a: ArrayLike<number>): number {
  return dot(a, a);
}
