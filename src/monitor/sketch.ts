import { z } from "zod";
import { CorruptArtefact, decodeArtefact, encodeArtefact, takeF64, takeU32 } from "./artefact.ts";
import { type Nearest, nearestCentroid } from "./centroids.ts";
import { fourierFeatures } from "./fourier.ts";
import { addTo } from "./matrix.ts";
import { addValue, bucketCount, type QuantileSketch, quantileSketch } from "./quantile-sketch.ts";
import type { Reference } from "./reference.ts";

/**
 * Sums over the vectors of one block, from which every statistic of the block follows. Sketches of one block and one
 * reference are merged by addition: the sketch of a fleet is the sketch of all its vectors.
 */
export type Sketch = {
  readonly model: string;
  readonly reference: string;
  /** Number of the block on the wall clock. */
  readonly block: number;
  n: number;
  /** Σ x, length d */
  readonly sum: Float64Array;
  /** Σ x², length d */
  readonly sumSquares: Float64Array;
  /** Σ φ(x), length D */
  readonly fourier: Float64Array;
  /** Vectors nearest to each centroid, length at most 64. */
  readonly counts: Float64Array;
  /** Quantiles of 1 − cosine to the nearest centroid. */
  readonly distances: QuantileSketch;
};

/** Of a sketch, what its mean follows from. */
export type BlockSum = Pick<Sketch, "model" | "block" | "n" | "sum">;

/** What the e-detector needs of a block: a decision can be reproduced from these (decision 33). */
export type BlockStatistics = {
  readonly model: string;
  readonly block: number;
  readonly n: number;
  /** Mean vector, length d; empty when n is 0 */
  readonly mean: Float64Array;
};

export type Added = "Added" | "WrongLength" | "NotFinite";

/** Adds vectors to sketches of one reference; it holds the scratch space, so that adding allocates nothing. */
export type Sketcher = {
  readonly start: (block: number) => Sketch;
  /** Adds one vector, or says why it was left out; a vector that is left out changes nothing. */
  readonly add: (sketch: Sketch, x: Float32Array) => Added;
};

/** Two sketches do not belong together. */
export class SketchMismatch extends Error {
  override readonly name = "SketchMismatch";
}

/** A sketch of so few vectors would give them away (decision 7). */
export class TooFewVectors extends Error {
  override readonly name = "TooFewVectors";
}

/** No sketch leaves the process below this many vectors. */
export const leastExported = 32;

export function sketcher(reference: Reference): Sketcher {
  const { dimension, centroids } = reference;
  const features = fourierFeatures(reference.fourier);
  const nearest: Nearest = { index: 0, cosine: 0 };
  return {
    start: (block) => ({
      model: reference.model,
      reference: reference.hash,
      block,
      n: 0,
      sum: new Float64Array(dimension),
      sumSquares: new Float64Array(dimension),
      fourier: new Float64Array(reference.fourier.features),
      counts: new Float64Array(centroids.rows),
      distances: quantileSketch(),
    }),
    add(sketch, x) {
      if (x.length !== dimension) return "WrongLength";
      let squared = 0;
      for (let j = 0; j < dimension; j++) squared += x[j]! * x[j]!;
      if (!Number.isFinite(squared)) return "NotFinite";
      const { sum, sumSquares, counts } = sketch;
      for (let j = 0; j < dimension; j++) {
        const value = x[j]!;
        sum[j] = sum[j]! + value;
        sumSquares[j] = sumSquares[j]! + value * value;
      }
      features.add(x, sketch.fourier);
      nearestCentroid(centroids, x, Math.sqrt(squared), nearest);
      counts[nearest.index] = counts[nearest.index]! + 1;
      addValue(sketch.distances, 1 - nearest.cosine);
      sketch.n++;
      return "Added";
    },
  };
}

/**
 * @returns the sketch of both sketches' vectors; neither is changed
 * @throws {SketchMismatch} when model, reference or block differ
 */
export function mergeSketches(a: Sketch, b: Sketch): Sketch {
  for (const field of ["model", "reference", "block"] as const) {
    if (a[field] !== b[field])
      throw new SketchMismatch(`${field} is ${a[field]} in one sketch and ${b[field]} in the other`);
  }
  const sum = (x: Float64Array, y: Float64Array): Float64Array => {
    const result = x.slice();
    addTo(result, y);
    return result;
  };
  return {
    ...a,
    n: a.n + b.n,
    sum: sum(a.sum, b.sum),
    sumSquares: sum(a.sumSquares, b.sumSquares),
    fourier: sum(a.fourier, b.fourier),
    counts: sum(a.counts, b.counts),
    distances: { buckets: sum(a.distances.buckets, b.distances.buckets) },
  };
}

export function blockStatistics({ model, block, n, sum }: BlockSum): BlockStatistics {
  return { model, block, n, mean: n > 0 ? sum.map((value) => value / n) : new Float64Array(0) };
}

/**
 * @returns about 15 KB at d = 768
 * @throws {TooFewVectors} below 32 vectors
 */
export function encodeSketch(sketch: Sketch): Uint8Array {
  if (sketch.n < leastExported) {
    throw new TooFewVectors(`a sketch of ${sketch.n} vectors stays in the process, ${leastExported} are needed`);
  }
  const { model, reference, block, n, sum, sumSquares, fourier, counts, distances } = sketch;
  const filled = [...distances.buckets.keys()].filter((bucket) => distances.buckets[bucket]! > 0);
  return encodeArtefact({ kind: "sketch", model, reference, block, n } satisfies z.infer<typeof sketchHead>, {
    sum,
    sumSquares,
    fourier,
    counts: Uint32Array.from(counts),
    buckets: Uint32Array.from(filled.flatMap((bucket) => [bucket, distances.buckets[bucket]!])),
  });
}

/**
 * @param reference  what the sketch must have been made against
 * @throws {CorruptArtefact} when the bytes are not a whole sketch of finite sums and agreeing counts
 * @throws {SketchMismatch} when it was made against another reference
 */
export function decodeSketch(bytes: Uint8Array, reference: Reference): Sketch {
  const { head, arrays } = decodeArtefact(bytes, sketchHead);
  if (head.reference !== reference.hash) {
    throw new SketchMismatch(`the sketch was made against reference ${head.reference}, here it is ${reference.hash}`);
  }
  const finite = (name: string, length: number): Float64Array => {
    const values = takeF64(arrays, name, length);
    if (!values.every(Number.isFinite)) throw new CorruptArtefact(`array ${name} has values that are not finite`);
    return values;
  };
  const counts = Float64Array.from(takeU32(arrays, "counts", reference.centroids.rows));
  const buckets = unpackBuckets(takeU32(arrays, "buckets"));
  for (const values of [counts, buckets]) {
    const total = values.reduce((sum, value) => sum + value, 0);
    if (total !== head.n) throw new CorruptArtefact(`its counts add up to ${total}, it has ${head.n} vectors`);
  }
  return {
    model: head.model,
    reference: head.reference,
    block: head.block,
    n: head.n,
    sum: finite("sum", reference.dimension),
    sumSquares: finite("sumSquares", reference.dimension),
    fourier: finite("fourier", reference.fourier.features),
    counts,
    distances: { buckets },
  };
}

const sketchHead = z.object({
  kind: z.literal("sketch"),
  model: z.string(),
  reference: z.string(),
  block: z.int().min(0),
  n: z.int().min(leastExported),
});

function unpackBuckets(pairs: Uint32Array): Float64Array {
  const buckets = new Float64Array(bucketCount);
  for (let i = 0; i < pairs.length; i += 2) {
    const bucket = pairs[i]!;
    if (bucket >= bucketCount) throw new CorruptArtefact(`bucket ${bucket} is outside the ${bucketCount} there are`);
    buckets[bucket] = pairs[i + 1]!;
  }
  return buckets;
}
