import { type CompactVector, compact, expand } from "./compact-vector.ts";
import { dot, meanRow, norm, row } from "./matrix.ts";
import type { Reference } from "./reference.ts";
import { type BlockStatistics, SketchMismatch } from "./sketch.ts";
import { varianceAlong, whiten } from "./whitening.ts";

/**
 * State of an e-detector of "the live blocks are not exchangeable with the reference's" (Shin, Ramdas and Rinaldo 2022,
 * e-detectors: a nonparametric framework for sequential change detection), betting on block means:
 *
 *   w = Σ_λ⁻¹ (EWMA of past x − mean of past y)                          from the past only
 *   g = tanh(w·(x − y)/s)                                                 in (−1, 1), mean 0 while x and y are alike
 *   M_b ← (1 + M_b)(1 + b g)                                              for b in {0.02, 0.05, 0.1, 0.2, 0.4, 0.8}
 *
 * An alarm is raised when the mean of M_b over b reaches A; then the expected number of blocks between false alarms is at
 * least A (theorem 2.4 there, as M_b is an e-detector and a mean of e-detectors is one). x is a live block's mean, y the
 * next reference block's. g is odd in x − y, so a bet is fair even when live blocks are larger or less steady than the
 * reference's. Σ_λ and s = √(wᵀ Σ_λ w / blockSize) come from the other part of the reference (decisions 1 and 2).
 */
export type DetectorState = {
  /** Hash of the reference it bets against. */
  readonly reference: string;
  /** Number of the last block that was taken in, −1 before the first. */
  readonly block: number;
  /** Reference blocks used since the last reset; the next one is blocks[used]. */
  readonly used: number;
  /** M_b, one for each bet. */
  readonly evidence: Float64Array;
  /**
   * EWMA of the live means since the last reset minus the mean of the reference, length d, zero before the first. The
   * detector itself goes on from the rounded one, so that a checkpoint of it is exact (decision 33).
   */
  readonly offset: CompactVector;
};

export type DetectorSettings = {
  /** A, see alarmThreshold. */
  readonly threshold: number;
  /** Vectors that a block needs to count. */
  readonly minVectors: number;
};

/** What one block did to a detector. */
export type DetectorStep = {
  readonly state: DetectorState;
  /** Only `bet` moves the state's evidence; the others are counted (decision 33). */
  readonly result: "bet" | "short" | "empty" | "late";
  /** g, 0 when there was no bet. */
  readonly bet: number;
  /** Mean of M_b after the block and before any reset. */
  readonly evidence: number;
  /** Whether the evidence reached the threshold; the detector has started over. */
  readonly crossed: boolean;
  /** Whether the reference was used up without a crossing; the detector has started over. */
  readonly usedUp: boolean;
};

/** b of M_b. Each is in (0, 1), so that every factor is positive. */
export const bets = [0.02, 0.05, 0.1, 0.2, 0.4, 0.8] as const;

/** Weight of the newest block in the EWMA once 1/weight blocks are in; a plain mean until then. */
const averageWeight = 0.05;

export function startDetector(reference: Reference): DetectorState {
  return {
    reference: reference.hash,
    block: -1,
    used: 0,
    evidence: new Float64Array(bets.length),
    offset: compact(new Float64Array(reference.dimension)),
  };
}

/**
 * Takes in one block. The same state, block and reference always give the same step.
 *
 * @throws {SketchMismatch} when the state, the block and the reference are not of one model and reference
 */
export function stepDetector(
  state: DetectorState,
  block: BlockStatistics,
  reference: Reference,
  settings: DetectorSettings,
): DetectorStep {
  if (state.reference !== reference.hash) {
    throw new SketchMismatch(`the state is of reference ${state.reference}, not of ${reference.hash}`);
  }
  if (block.model !== reference.model) {
    throw new SketchMismatch(`the block is of model ${block.model}, the reference of ${reference.model}`);
  }
  if (block.block <= state.block) return noBet(state, "late");
  const seen = { ...state, block: block.block };
  if (block.n === 0) return noBet(seen, "empty");
  if (block.n < settings.minVectors) return noBet(seen, "short");
  if (block.mean.length !== reference.dimension) {
    throw new SketchMismatch(`the block's mean has ${block.mean.length} numbers, the reference ${reference.dimension}`);
  }

  const bet = fairBet(state, block.mean, reference);
  const grown = state.evidence.map((m, i) => (1 + m) * (1 + bets[i]! * bet));
  const evidence = meanEvidence(grown);
  const crossed = evidence >= settings.threshold;
  const used = state.used + 1;
  const usedUp = !crossed && used === reference.blocks.rows;
  if (crossed || usedUp) {
    const fresh = { ...startDetector(reference), block: block.block };
    return { state: fresh, result: "bet", bet, evidence, crossed, usedUp };
  }
  const offset = updateOffset(state, block.mean, reference);
  return { state: { ...seen, used, evidence: grown, offset }, result: "bet", bet, evidence, crossed, usedUp };
}

/** @returns the mean of M_b: what is compared with the threshold */
export function meanEvidence(evidence: Float64Array): number {
  return evidence.reduce((sum, m) => sum + m, 0) / evidence.length;
}

/**
 * The most that the evidence can come to against so many reference blocks: nothing is bet on the first, and every bet after
 * it is won outright (g = 1). Below the threshold the detector is blind: it starts over before it can raise an alarm.
 *
 *   M_b ≤ (1 + b)^(n−1) + Σ_{k=1}^{n−1} (1 + b)^k
 */
export function mostEvidence(blocks: number): number {
  let evidence = new Float64Array(bets.length);
  for (let used = 0; used < blocks; used++) evidence = allWon(evidence, used);
  return meanEvidence(evidence);
}

function allWon(evidence: Float64Array, used: number): Float64Array<ArrayBuffer> {
  return evidence.map((m, i) => (1 + m) * (used === 0 ? 1 : 1 + bets[i]!));
}

/** @returns n, the fewest reference blocks against which an alarm can be raised */
export function blocksForAlarm(threshold: number): number {
  let blocks = 1;
  for (let evidence = allWon(new Float64Array(bets.length), 0); meanEvidence(evidence) < threshold; blocks++) {
    evidence = allWon(evidence, blocks);
  }
  return blocks;
}

/**
 * A: the expected number of blocks between false alarms of one signal, so that all signals together raise at most
 * `allowed` expected false alarms a period (decision 3).
 *
 * @param period   length of the budget's period in ms
 * @param block    length of a block in ms
 * @param allowed  expected false alarms in the period
 * @param signals  signals that share the budget
 */
export function alarmThreshold(budget: { period: number; block: number; allowed: number; signals: number }): number {
  const { period, block, allowed, signals } = budget;
  if (!(period > 0 && block > 0 && allowed > 0 && signals > 0)) {
    throw new RangeError(
      `period ${period}, block ${block}, allowed ${allowed} and signals ${signals} must be positive`,
    );
  }
  return (period / block / allowed) * signals;
}

/**
 * Size of the shift that the detector sees: Mahalanobis length of EWMA − mean of the used reference blocks, in standard
 * deviations of a vector. 0 before the first block.
 */
export function detectorEffect(state: DetectorState, reference: Reference): number {
  if (state.used === 0) return 0;
  return norm(whiten(reference.whitening, shiftOf(state, reference), -0.5));
}

function fairBet(state: DetectorState, x: Float64Array, reference: Reference): number {
  const { used } = state;
  if (used === 0) return 0;
  const { whitening, blocks, blockSize } = reference;
  const w = whiten(whitening, shiftOf(state, reference), -1);
  const scale = Math.sqrt(varianceAlong(whitening, w) / blockSize);
  if (!(scale > 0)) return 0;
  return Math.tanh((dot(w, x) - dot(w, row(blocks, used))) / scale);
}

/**
 * EWMA of past x − mean of past y. The mean of the reference blocks that were used since the reset need not be kept in
 * the state.
 */
function shiftOf({ offset, used }: DetectorState, { whitening, blocks }: Reference): Float64Array {
  const past = meanRow({ ...blocks, rows: used });
  return expand(offset).map((value, j) => whitening.mean[j]! + value - past[j]!);
}

function updateOffset({ used, offset }: DetectorState, x: Float64Array, { whitening }: Reference): CompactVector {
  const weight = Math.max(1 / (used + 1), averageWeight);
  return compact(expand(offset).map((value, j) => value + weight * (x[j]! - whitening.mean[j]! - value)));
}

function noBet(state: DetectorState, result: "short" | "empty" | "late"): DetectorStep {
  return { state, result, bet: 0, evidence: meanEvidence(state.evidence), crossed: false, usedUp: false };
}
