import { type Nearest, nearestCentroid } from "./centroids.ts";
import { type Matrix, norm } from "./matrix.ts";
import { squaredResidual, type Whitening } from "./whitening.ts";

/** The per-vector scores: each is unusual when small as well as when large. */
export const scoreNames = ["nearestCosine", "norm", "residual"] as const;
export type ScoreName = (typeof scoreNames)[number];
export type Scores = Readonly<Record<ScoreName, number>>;

/**
 * Scores of one vector: cosine to the nearest centroid, norm, and length of the part outside the leading principal
 * directions (Jackson and Mudholkar 1979).
 */
export function scoreVector(parts: { whitening: Whitening; centroids: Matrix }, x: Float32Array): Scores {
  const length = norm(x);
  const nearest: Nearest = { index: 0, cosine: 0 };
  nearestCentroid(parts.centroids, x, length, nearest);
  return { nearestCosine: nearest.cosine, norm: length, residual: Math.sqrt(squaredResidual(parts.whitening, x)) };
}
