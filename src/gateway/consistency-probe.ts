import {
  type ConsistencyThreshold,
  consistencyScore,
  drawSqueezer,
  isFlagged,
  type Squeezer,
} from "../monitor/index.ts";
import { type Input, readInput, squeezeInput, writeInput } from "./inputs.ts";
import type { WireInput } from "./protocols/index.ts";
import type { PoolName } from "./routing.ts";

/** Squeezed copies of some inputs of one request, all by one squeezer. */
export type SqueezedInputs = {
  readonly squeezer: Squeezer;
  readonly threshold: ConsistencyThreshold;
  /** Which of the request's inputs they are of. */
  readonly indices: readonly number[];
  readonly wire: readonly WireInput[];
};

export type ConsistencyScores = {
  /** The largest score, in [0, 2]. */
  readonly score: number;
  readonly scored: number;
  readonly flagged: number;
  /** Indices of flagged inputs. */
  readonly which: ReadonlySet<number>;
};

/** Uniform in [0, 1). */
export type Uniform = () => number;

/**
 * Share of each pool's requests that is probed: of a candidate's few as many as of the stable model's, so that what they are
 * compared by is known before the step is over.
 *
 * @param weight  percentage of requests that the candidate answers
 */
export function consistencySamples(sample: number, weight: number): Readonly<Record<PoolName, number>> {
  return { stable: sample, candidate: Math.min(1, (sample * 100) / Math.max(1, weight)) };
}

/**
 * Squeezes inputs with a squeezer drawn at random, so that an attacker cannot know which (P7).
 *
 * @param most  inputs to take; of a larger batch a stretch that begins at random
 * @returns null when no squeezer has a threshold
 * @throws {Unparsed} when an input is not what the modality says
 */
export function squeezeInputs(
  inputs: readonly WireInput[],
  modality: Input["kind"],
  thresholds: ReadonlyMap<Squeezer, ConsistencyThreshold>,
  most: number,
  random: Uniform,
): SqueezedInputs | null {
  const [first, ...others] = thresholds;
  if (!first) return null;
  const [squeezer, threshold] = drawSqueezer([first, ...others], random());
  const start = inputs.length > most ? Math.floor(random() * inputs.length) : 0;
  const indices = Array.from({ length: Math.min(most, inputs.length) }, (_, i) => (start + i) % inputs.length);
  const wire = indices.map((i) => writeInput(squeezeInput(readInput(inputs[i] ?? "", modality), squeezer)));
  return { squeezer, threshold, indices, wire };
}

/**
 * @param vectors  of the request's own inputs
 * @param again    of the squeezed copies
 */
export function scoreSqueezed(
  { threshold, indices }: SqueezedInputs,
  vectors: readonly Float32Array[],
  again: readonly Float32Array[],
  random: Uniform,
): ConsistencyScores {
  let score = 0;
  let scored = 0;
  const which = new Set<number>();
  indices.forEach((index, i) => {
    const [x, y] = [vectors[index], again[i]];
    if (!x || !y || x.length !== y.length) return;
    const value = consistencyScore(x, y);
    scored++;
    score = Math.max(score, value);
    if (isFlagged(threshold, value, random())) which.add(index);
  });
  return { score, scored, flagged: which.size, which };
}
