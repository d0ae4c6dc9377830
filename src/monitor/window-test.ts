import { type Cumulants, liuTail } from "./liu.ts";
import { addTo, difference, dot, norm, row } from "./matrix.ts";
import type { Reference } from "./reference.ts";
import { type Sketch, SketchMismatch } from "./sketch.ts";
import { whiten } from "./whitening.ts";

export type WindowTest = {
  /** Blocks of the live window. */
  readonly blocks: number;
  /** Vectors of the live window. */
  readonly n: number;
  /** T = ‖Δ‖², Δ the difference of the window's and the reference's mean features. */
  readonly statistic: number;
  /** p-value of "‖Δ‖ is at most the minimum effect", in [0, 1]. */
  readonly p: number;
  /** ‖Δ‖ without its expected noise: √max(0, T − tr Ω). Whitened: in standard deviations of a vector. */
  readonly effect: number;
  readonly minimumEffect: number;
};

export type WindowTestSettings = {
  /** Whitened: mean vector in whitened coordinates. Fourier: mean embedding of a Gaussian kernel. */
  readonly features: "Whitened" | "Fourier";
  /** Shifts up to this size are no shift. */
  readonly minimumEffect: number;
  /** Vectors that a block needs to count. */
  readonly minVectors: number;
};

/** Fewer blocks say nothing about their own covariance. */
export const leastBlocks = 8;

/**
 * Two-sample test of equal mean features of a live window and the reference: a diagnostic, never a trigger (decision 4).
 *
 *   T = ‖x̄ − ȳ‖²  →  Σ λ_i χ²₁,  λ the eigenvalues of Ω = Ω_x/B + Ω_y/R       (Gretton et al. 2012, theorem 12)
 *
 * x̄ and ȳ are means of B and R block means, Ω_x the long-run covariance of the live block means (Newey and West 1987,
 * Bartlett weights) and Ω_y that of the reference's, which were shuffled, so that it has no lags. Traffic that comes in
 * bursts is in Ω_x as it is; one factor of inflation for all directions leaves false alarms (3.2 % at .001).
 * A shift up to δ is allowed for by the triangle inequality: p = P(Σ λ χ² > (‖Δ‖ − δ)²₊).
 *
 * @param live  sketches of the window's blocks in the order of time
 * @returns null with fewer than 8 blocks of minVectors
 * @throws {SketchMismatch} when a sketch was made against another reference
 */
export function windowTest(
  live: readonly Sketch[],
  reference: Reference,
  settings: WindowTestSettings,
): WindowTest | null {
  for (const sketch of live) {
    if (sketch.reference !== reference.hash) {
      throw new SketchMismatch(`a sketch was made against reference ${sketch.reference}, not ${reference.hash}`);
    }
  }
  const counted = live.filter((sketch) => sketch.n >= settings.minVectors);
  if (counted.length < leastBlocks) return null;
  const { features, minimumEffect } = settings;
  const windowRows = counted.map((sketch) => liveFeatures(sketch, reference, features));
  const referenceRows = Array.from({ length: reference.blocks.rows }, (_, i) =>
    referenceFeatures(reference, i, features),
  );
  const windowMean = meanOf(windowRows);
  const referenceMean = meanOf(referenceRows);
  const statistic = norm(difference(windowMean, referenceMean)) ** 2;
  const cumulants = noiseCumulants(
    windowRows.map((values) => difference(values, windowMean)),
    referenceRows.map((values) => difference(values, referenceMean)),
  );
  const beyond = Math.max(0, Math.sqrt(statistic) - minimumEffect);
  return {
    blocks: counted.length,
    n: counted.reduce((sum, sketch) => sum + sketch.n, 0),
    statistic,
    p: beyond > 0 ? liuTail(beyond ** 2, cumulants) : 1,
    effect: Math.sqrt(Math.max(0, statistic - cumulants[0])),
    minimumEffect,
  };
}

function liveFeatures(sketch: Sketch, { whitening }: Reference, features: "Whitened" | "Fourier"): Float64Array {
  const { n, sum, fourier } = sketch;
  if (features === "Fourier") return fourier.map((value) => value / n);
  return whiten(
    whitening,
    difference(
      sum.map((value) => value / n),
      whitening.mean,
    ),
    -0.5,
  );
}

function referenceFeatures(reference: Reference, block: number, features: "Whitened" | "Fourier"): Float64Array {
  const { whitening, blocks, fourierBlocks } = reference;
  if (features === "Fourier") return Float64Array.from(row(fourierBlocks, block));
  return whiten(whitening, difference(row(blocks, block), whitening.mean), -0.5);
}

function meanOf(rows: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(rows[0]?.length ?? 0);
  for (const values of rows) addTo(sum, values);
  return sum.map((value) => value / rows.length);
}

/**
 * tr Ωᵏ for k = 1 to 4 without forming Ω: with Z the centred rows of both sides and V their weights, Ω = Zᵀ V Z and
 * tr Ωᵏ = tr (V Z Zᵀ)ᵏ, a matrix of B + R rows instead of d.
 */
function noiseCumulants(live: readonly Float64Array[], reference: readonly Float64Array[]): Cumulants {
  const rows = [...live, ...reference];
  const size = rows.length;
  const gram = new Float64Array(size * size);
  rows.forEach((x, i) => {
    for (let j = 0; j <= i; j++) {
      const product = dot(x, rows[j] ?? []);
      gram[i * size + j] = product;
      gram[j * size + i] = product;
    }
  });
  const first = multiply(noiseWeights(live.length, reference.length), gram, size);
  const second = multiply(first, first, size);
  return [
    trace(first, size),
    trace(second, size),
    traceOfProduct(second, first, size),
    traceOfProduct(second, second, size),
  ];
}

/** V: Bartlett weights 1 − |i − j|/(L + 1) over B(B − 1) for live blocks, 1/(R(R − 1)) on the diagonal for the reference. */
function noiseWeights(live: number, reference: number): Float64Array {
  const size = live + reference;
  // Newey and West 1994: L = 4 (B/100)^(2/9).
  const lags = Math.floor(4 * (live / 100) ** (2 / 9));
  const weights = new Float64Array(size * size);
  for (let i = 0; i < live; i++) {
    for (let j = Math.max(0, i - lags); j < Math.min(live, i + lags + 1); j++) {
      weights[i * size + j] = (1 - Math.abs(i - j) / (lags + 1)) / (live * (live - 1));
    }
  }
  for (let i = live; i < size; i++) weights[i * size + i] = 1 / (reference * (reference - 1));
  return weights;
}

function multiply(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const product = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = a[i * size + k]!;
      if (factor === 0) continue;
      for (let j = 0; j < size; j++) {
        product[i * size + j] = product[i * size + j]! + factor * b[k * size + j]!;
      }
    }
  }
  return product;
}

function trace(a: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += a[i * size + i]!;
  return sum;
}

function traceOfProduct(a: Float64Array, b: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) sum += a[i * size + j]! * b[j * size + i]!;
  return sum;
}
