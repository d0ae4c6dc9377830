import { z } from "zod";
import { decodeArtefact, digestOf, encodeArtefact, takeF32, takeF64 } from "./artefact.ts";
import { centroidCount, sphericalKMeans } from "./centroids.ts";
import { type FourierSettings, fourierFeatures, medianDistance } from "./fourier.ts";
import { addTo, type Matrix, row, selectRows } from "./matrix.ts";
import { seededRandom, shuffle } from "./random.ts";
import { type ScoreName, scoreNames, scoreVector } from "./scores.ts";
import { fitWhitening, type Whitening } from "./whitening.ts";

/**
 * What live vectors are compared with: an immutable artefact of a model version (decision 5).
 *
 * The rows are split in two by source. The covariance, the scales, the bandwidth and the centroids come from the one
 * part, the blocks that the e-detector bets against and the calibration of the scores from the other (decision 2).
 */
export type Reference = {
  /** Digest of the artefact's bytes. */
  readonly hash: string;
  /** Digest of the model that embedded the inputs; statistics of another model are refused (decision 6). */
  readonly model: string;
  /** Digest of the inputs. */
  readonly inputs: string;
  readonly dimension: number;
  /** Vectors of each block. */
  readonly blockSize: number;
  /** Mean of each reference block, blocks × d, in the order in which they are used. */
  readonly blocks: Matrix;
  /** Mean Fourier features of each block, blocks × D. */
  readonly fourierBlocks: Matrix;
  readonly whitening: Whitening;
  readonly fourier: FourierSettings;
  /** Unit rows, at most 64 × d. */
  readonly centroids: Matrix;
  /** Scores of the second part in ascending order, for conformal p-values. */
  readonly calibration: Readonly<Record<ScoreName, Float32Array>>;
};

export type ReferenceInput = {
  readonly model: string;
  readonly inputs: string;
  /** n × d */
  readonly embeddings: Matrix;
  /** The source of each row; rows of a source stay together. Each row is its own when absent. */
  readonly sources?: readonly string[];
  /**
   * Vectors of a reference block, at least 8; chosen for 200 blocks when absent, at most 64. The detector starts over
   * when the blocks are used up, and an alarm takes at least ln(6 A)/ln 1.8 blocks: more blocks matter more than larger ones.
   */
  readonly blockSize?: number;
  readonly seed: number;
};

/** A reference cannot be made: what is missing, in words. */
export class UnusableReference extends Error {
  override readonly name = "UnusableReference";
}

const fourierFeatureCount = 256;
/** Share of the rows that the covariance is fitted on. */
const covarianceShare = 1 / 3;
/** More rows than this make the fit slower, not better. */
const fitRows = 2000;
const leastBlockSize = 8;
const leastBlocks = 4;
/** Reference vectors, about: with fewer nothing can be compared. */
export const leastReference = vectorsForBlocks(leastBlocks);

/** Vectors of a reference, about, whose second part makes so many blocks; of the smallest size when none is given. */
export function vectorsForBlocks(blocks: number, blockSize = leastBlockSize): number {
  return Math.ceil((blocks * blockSize) / (1 - covarianceShare));
}

/**
 * Numbers of a vector, at most. A detector's checkpoint takes two bytes for each, and two of them must fit the 20 KB that
 * a gateway takes over with (decision 33). A coarser checkpoint for wider models would give them other statistics.
 */
export const mostDimensions = 4096;

function defaultBlockSize(rows: number): number {
  return Math.min(64, Math.max(leastBlockSize, Math.floor((rows * (1 - covarianceShare)) / 200)));
}

/**
 * Builds the reference of a model from the vectors of its reference inputs. The same input gives the same hash.
 *
 * @throws {UnusableReference} when vectors are too long, not finite, all equal, or too few for a covariance and four blocks
 */
export function buildReference(input: ReferenceInput): Reference {
  const { embeddings, seed } = input;
  if (embeddings.columns > mostDimensions) {
    throw new UnusableReference(
      `a vector has ${embeddings.columns} numbers, the drift statistics take at most ${mostDimensions}`,
    );
  }
  const blockSize = input.blockSize ?? defaultBlockSize(embeddings.rows);
  if (!(blockSize >= leastBlockSize))
    throw new UnusableReference(`blockSize is ${blockSize}, it must be at least ${leastBlockSize}`);
  if (!embeddings.data.every(Number.isFinite)) throw new UnusableReference("a reference vector is not finite");
  const random = seededRandom(seed);
  const order = shuffle(groupsOf(embeddings.rows, input.sources), random).flat();
  const cut = cutAfterGroup(order, Math.ceil(embeddings.rows * covarianceShare), input.sources);
  const fitted = selectRows(embeddings, order.slice(0, Math.min(cut, fitRows)));
  const held = order.slice(cut);
  const blockCount = Math.floor(held.length / blockSize);
  if (blockCount < leastBlocks) {
    throw new UnusableReference(
      `${embeddings.rows} reference vectors make ${blockCount} blocks of ${blockSize}; at least ${leastBlocks} blocks need about ${vectorsForBlocks(leastBlocks, blockSize)} vectors`,
    );
  }
  const { whitening, sigma } = fit(fitted, random);
  const centroids = sphericalKMeans(fitted, centroidCount, random);
  const fourier = { dimension: embeddings.columns, features: fourierFeatureCount, seed, sigma };
  const parts = {
    model: input.model,
    inputs: input.inputs,
    dimension: embeddings.columns,
    blockSize,
    ...blockMeans(embeddings, held, blockSize, blockCount, fourier),
    whitening,
    fourier,
    centroids,
    calibration: calibrate(embeddings, held, { whitening, centroids }),
  };
  return { hash: digestOf(encodeParts(parts)), ...parts };
}

/** @returns the artefact's bytes; their digest is the reference's hash */
export function encodeReference(reference: Reference): Uint8Array {
  return encodeParts(reference);
}

/** @throws {CorruptArtefact} when the bytes are not a reference */
export function decodeReference(bytes: Uint8Array): Reference {
  const { head, arrays } = decodeArtefact(bytes, referenceHead);
  const { dimension: d, fourier, residual, ridge } = head;
  const matrix = (name: string, rows: number, columns: number): Matrix => ({
    rows,
    columns,
    data: takeF32(arrays, name, rows * columns),
  });
  return {
    hash: digestOf(bytes),
    model: head.model,
    inputs: head.inputs,
    dimension: d,
    blockSize: head.blockSize,
    blocks: matrix("blocks", head.blocks, d),
    fourierBlocks: matrix("fourierBlocks", head.blocks, fourier.features),
    whitening: {
      mean: takeF64(arrays, "mean", d),
      basis: matrix("basis", head.rank, d),
      variances: takeF64(arrays, "variances", head.rank),
      residual,
      ridge,
    },
    fourier: { dimension: d, ...fourier },
    centroids: matrix("centroids", head.centroids, d),
    calibration: {
      nearestCosine: takeF32(arrays, "nearestCosine"),
      norm: takeF32(arrays, "norm"),
      residual: takeF32(arrays, "residual"),
    },
  };
}

const count = z
  .int()
  .min(1)
  .max(1 << 24);
const referenceHead = z.object({
  kind: z.literal("reference"),
  model: z.string(),
  inputs: z.string(),
  dimension: count,
  blockSize: count,
  blocks: count,
  rank: count,
  centroids: count,
  residual: z.number(),
  ridge: z.number(),
  fourier: z.object({ features: count, seed: z.int(), sigma: z.number().positive() }),
});

function encodeParts(parts: Omit<Reference, "hash">): Uint8Array {
  const { model, inputs, dimension, blockSize, blocks, whitening, centroids, fourier } = parts;
  const head: z.infer<typeof referenceHead> = {
    kind: "reference",
    model,
    inputs,
    dimension,
    blockSize,
    blocks: blocks.rows,
    rank: whitening.basis.rows,
    centroids: centroids.rows,
    residual: whitening.residual,
    ridge: whitening.ridge,
    fourier: { features: fourier.features, seed: fourier.seed, sigma: fourier.sigma },
  };
  return encodeArtefact(head, {
    mean: whitening.mean,
    variances: whitening.variances,
    basis: whitening.basis.data,
    centroids: centroids.data,
    blocks: blocks.data,
    fourierBlocks: parts.fourierBlocks.data,
    nearestCosine: parts.calibration.nearestCosine,
    norm: parts.calibration.norm,
    residual: parts.calibration.residual,
  });
}

/** Row numbers, those of one source together. */
function groupsOf(rows: number, sources: readonly string[] | undefined): number[][] {
  if (!sources) return Array.from({ length: rows }, (_, i) => [i]);
  if (sources.length !== rows) throw new UnusableReference(`${sources.length} sources for ${rows} vectors`);
  const groups = new Map<string, number[]>();
  sources.forEach((source, i) => {
    const group = groups.get(source);
    if (group) group.push(i);
    else groups.set(source, [i]);
  });
  return [...groups.values()];
}

/** The first cut at or after `from` that parts no source. */
function cutAfterGroup(order: readonly number[], from: number, sources: readonly string[] | undefined): number {
  const sourceAt = (position: number): string | undefined => sources?.[order[position] ?? -1];
  let cut = from;
  if (sources) while (cut < order.length && sourceAt(cut) === sourceAt(cut - 1)) cut++;
  return cut;
}

function fit(samples: Matrix, random: ReturnType<typeof seededRandom>): { whitening: Whitening; sigma: number } {
  try {
    return { whitening: fitWhitening(samples, random), sigma: medianDistance(samples, random) };
  } catch (error) {
    if (error instanceof RangeError) throw new UnusableReference(error.message, { cause: error });
    throw error;
  }
}

function blockMeans(
  embeddings: Matrix,
  held: readonly number[],
  blockSize: number,
  blockCount: number,
  settings: FourierSettings,
): { blocks: Matrix; fourierBlocks: Matrix } {
  const d = embeddings.columns;
  const blocks = { rows: blockCount, columns: d, data: new Float32Array(blockCount * d) };
  const fourierBlocks = {
    rows: blockCount,
    columns: settings.features,
    data: new Float32Array(blockCount * settings.features),
  };
  const features = fourierFeatures(settings);
  for (let block = 0; block < blockCount; block++) {
    const sum = new Float64Array(d);
    const phi = new Float64Array(settings.features);
    for (const index of held.slice(block * blockSize, (block + 1) * blockSize)) {
      const x = row(embeddings, index);
      addTo(sum, x);
      features.add(x, phi);
    }
    row(blocks, block).set(sum.map((value) => value / blockSize));
    row(fourierBlocks, block).set(phi.map((value) => value / blockSize));
  }
  return { blocks, fourierBlocks };
}

function calibrate(
  embeddings: Matrix,
  held: readonly number[],
  parts: Pick<Reference, "whitening" | "centroids">,
): Reference["calibration"] {
  const rows = held.slice(0, 1000).map((index) => scoreVector(parts, row(embeddings, index)));
  const sorted = (name: ScoreName): Float32Array => Float32Array.from(rows, (scores) => scores[name]).sort();
  const [nearestCosine, norm, residual] = scoreNames.map(sorted);
  if (!nearestCosine || !norm || !residual) throw new UnusableReference("no vectors to calibrate scores on");
  return { nearestCosine, norm, residual };
}
