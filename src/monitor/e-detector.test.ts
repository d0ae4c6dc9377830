import { describe, expect, it } from "vitest";
import { driftAlarm, noAlarm } from "./alarm.ts";
import { CorruptArtefact } from "./artefact.ts";
import { compact, expand } from "./compact-vector.ts";
import { decodeDetector, encodeDetector } from "./detector-state.ts";
import {
  alarmThreshold,
  bets,
  blocksForAlarm,
  type DetectorState,
  detectorEffect,
  mostEvidence,
  startDetector,
  stepDetector,
} from "./e-detector.ts";
import { type Matrix, matrixOf } from "./matrix.ts";
import { type Random, seededRandom } from "./random.ts";
import { buildReference, type Reference } from "./reference.ts";
import { type BlockStatistics, SketchMismatch } from "./sketch.ts";
import { topicMatrix } from "./traffic.fixture.ts";

/** A reference with the given block means, unit variances and mean 0, so that bets can be computed by hand. */
function plainReference(blocks: Matrix, blockSize: number): Reference {
  const d = blocks.columns;
  const axes = Array.from({ length: d }, (_, i) => Array.from({ length: d }, (_, j) => Number(i === j)));
  return {
    hash: "sha256:01",
    model: "m",
    inputs: "i",
    dimension: d,
    blockSize,
    blocks,
    fourierBlocks: matrixOf(Array.from({ length: blocks.rows }, () => [0, 0])),
    whitening: {
      mean: new Float64Array(d),
      basis: matrixOf(axes),
      variances: new Float64Array(d).fill(1),
      residual: 1,
      ridge: 0,
    },
    fourier: { dimension: d, features: 2, seed: 1, sigma: 1 },
    centroids: matrixOf(axes),
    calibration: { nearestCosine: new Float32Array(1), norm: new Float32Array(1), residual: new Float32Array(1) },
  };
}
const block = (number: number, mean: number[], n = 50): BlockStatistics => ({
  model: "m",
  block: number,
  n,
  mean: Float64Array.from(mean),
});
const settings = { threshold: 1e6, minVectors: 30 };

describe("stepDetector by hand, d = 1, blocks of 4", () => {
  const reference = plainReference(matrixOf([[0], [-1], [0.5], [0]]), 4);
  const first = stepDetector(startDetector(reference), block(10, [2]), reference, settings);
  const second = stepDetector(first.state, block(11, [1]), reference, settings);

  it("there is no bet on the first block: nothing is known of the past", () => {
    expect(first).toMatchObject({ result: "bet", bet: 0, evidence: 1, crossed: false });
    expect(first.state).toMatchObject({ block: 10, used: 1, offset: compact(Float64Array.of(2)) });
    expect([...first.state.evidence]).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it("w = 2 − 0, s = 2/√4, g = tanh(2·(1 − (−1))/1) = tanh 4", () => {
    const g = Math.tanh(4);
    expect(second.bet).toBeCloseTo(g, 12);
    expect([...second.state.evidence]).toEqual(bets.map((b) => expect.closeTo(2 * (1 + b * g), 12)));
    expect(second.evidence).toBeCloseTo(2 * (1 + (1.57 / 6) * g), 12);
    expect(expand(second.state.offset)[0]).toBeCloseTo(1.5, 12);
    expect(detectorEffect(second.state, reference)).toBeCloseTo(1.5 + 0.5, 6);
  });

  it("the size of w cancels: a tenfold shift of the past bets the same", () => {
    const far = stepDetector(startDetector(reference), block(10, [20]), reference, settings).state;
    expect(stepDetector(far, block(11, [1]), reference, settings).bet).toBeCloseTo(Math.tanh(4), 12);
  });

  it("a crossing starts over at the same block number", () => {
    const crossing = stepDetector(first.state, block(11, [1]), reference, { ...settings, threshold: 2.4 });
    expect(crossing).toMatchObject({ crossed: true, usedUp: false });
    expect(crossing.evidence).toBeGreaterThan(2.4);
    expect(crossing.state).toEqual({ ...startDetector(reference), block: 11 });
  });

  it("each reference block is used once, then everything starts over together", () => {
    const steps = [12, 13].reduce<{ state: DetectorState; usedUp: boolean }>(
      ({ state }, number) => stepDetector(state, block(number, [1]), reference, settings),
      second,
    );
    expect(steps.usedUp).toBe(true);
    expect(steps.state).toEqual({ ...startDetector(reference), block: 13 });
  });

  it.each([
    ["an empty block", block(12, [], 0), "empty", 12],
    ["a short block", block(12, [9], 29), "short", 12],
    ["the same block again", block(11, [9]), "late", 11],
    ["an earlier block", block(3, [9]), "late", 11],
  ])("%s: no step, and it is counted", (_, seen, result, newest) => {
    const step = stepDetector(second.state, seen, reference, settings);
    expect(step).toMatchObject({ result, bet: 0, evidence: second.evidence, crossed: false, usedUp: false });
    expect(step.state).toEqual({ ...second.state, block: newest });
  });

  it("blocks of another model or reference are refused", () => {
    const { state } = first;
    expect(() => stepDetector(state, { ...block(11, [1]), model: "x" }, reference, settings)).toThrow(SketchMismatch);
    expect(() => stepDetector(state, block(11, [1, 2]), reference, settings)).toThrow(SketchMismatch);
    expect(() => stepDetector(state, block(11, [1]), { ...reference, hash: "other" }, settings)).toThrow(
      SketchMismatch,
    );
  });
});

describe("alarmThreshold", () => {
  it("is the number of blocks a false alarm may take, shared over the signals", () => {
    const day = 86_400_000;
    expect(alarmThreshold({ period: 30 * day, block: 60_000, allowed: 1, signals: 1 })).toBe(43_200);
    expect(alarmThreshold({ period: 30 * day, block: 60_000, allowed: 2, signals: 3 })).toBe(64_800);
    expect(() => alarmThreshold({ period: day, block: 0, allowed: 1, signals: 1 })).toThrow(RangeError);
  });
});

describe("how far the evidence can come", () => {
  it("is 1 after one block, 2 (1 + b) after two, on the mean of b", () => {
    expect(mostEvidence(1)).toBe(1);
    expect(mostEvidence(2)).toBeCloseTo(2 * (1 + 1.57 / 6), 12);
  });

  it.each([4, 12, 20, 25])("is reached by the plainest shift and never passed: %d blocks", (count) => {
    const reference = plainReference(matrixOf(Array.from({ length: count }, () => [0])), 8);
    let state = startDetector(reference);
    let largest = 0;
    for (let number = 0; number < 3 * count; number++) {
      const step = stepDetector(state, block(number, [1000]), reference, { threshold: Infinity, minVectors: 30 });
      largest = Math.max(largest, step.evidence);
      ({ state } = step);
    }
    expect(largest).toBeCloseTo(mostEvidence(count), 6);
  });

  it("an alarm of the default budget takes 23 blocks", () => {
    expect(mostEvidence(22)).toBeLessThan(129_600);
    expect(mostEvidence(23)).toBeGreaterThan(129_600);
    expect(blocksForAlarm(129_600)).toBe(23);
  });
});

describe("a checkpoint", () => {
  const reference = buildReference({
    model: "m",
    inputs: "i",
    embeddings: topicMatrix(400, 12, seededRandom(1)),
    blockSize: 8,
    seed: 1,
  });
  const random = seededRandom(2);
  const blocks = Array.from({ length: 20 }, (_, i) =>
    block(
      i,
      Array.from({ length: 12 }, () => random.gaussian()),
    ),
  );
  const run = (state: DetectorState, through: BlockStatistics[], save: boolean): DetectorState =>
    through.reduce((now, seen) => {
      const { state: next } = stepDetector(now, seen, reference, settings);
      return save ? decodeDetector(encodeDetector(next), reference) : next;
    }, state);

  it("after every block changes nothing at all: the steps can be reproduced from the blocks", () => {
    expect(run(startDetector(reference), blocks, true)).toEqual(run(startDetector(reference), blocks, false));
  });

  it("of another reference, or of no sense, is refused", () => {
    const state = run(startDetector(reference), blocks, false);
    expect(() => decodeDetector(encodeDetector(state), { ...reference, hash: "x" })).toThrow(SketchMismatch);
    for (const bad of [
      { ...state, used: 10_000 },
      { ...state, evidence: new Float64Array(6).fill(-1) },
      { ...state, evidence: new Float64Array(6).fill(Number.NaN) },
      { ...state, offset: compact(new Float64Array(11)) },
    ]) {
      expect(() => decodeDetector(encodeDetector(bad), reference)).toThrow(CorruptArtefact);
    }
  });
});

describe("the false-alarm promise: at least A blocks between false alarms are expected", () => {
  const d = 6;
  /** Mean of n vectors that come one by one, or in runs of about ten near copies from one source. */
  function blockMean(random: Random, n: number, bursts: boolean, shift = 0): number[] {
    const mean = Array.from({ length: d }, () => 0);
    const source = new Float64Array(d);
    for (let i = 0, left = 0; i < n; i++, left--) {
      if (bursts && left === 0) {
        left = 5 + random.integer(11);
        for (let j = 0; j < d; j++) source[j] = random.gaussian();
      }
      for (let j = 0; j < d; j++) {
        const own = random.gaussian();
        mean[j]! += ((bursts ? 0.9 * source[j]! + 0.436 * own : own) + shift) / n;
      }
    }
    return mean;
  }
  const referenceOf = (random: Random, size: number): Reference =>
    plainReference(matrixOf(Array.from({ length: 400 }, () => blockMean(random, size, false))), size);

  // The blocks of the reference are always independent vectors; the live ones need not be as large nor as steady.
  it.each([
    ["independent vectors, blocks as in the reference", 32, 32, false],
    ["independent vectors, live blocks four times as large", 128, 32, false],
    ["independent vectors, live blocks a quarter", 32, 128, false],
    ["bursts of ten from one source", 32, 32, true],
    ["bursts of ten from one source, larger blocks", 128, 32, true],
  ])("%s", (_, n, size, bursts) => {
    const threshold = 50;
    const random = seededRandom(11);
    let alarms = 0;
    let blocks = 0;
    for (let run = 0; run < 12; run++) {
      const reference = referenceOf(random, size);
      let state = startDetector(reference);
      for (let number = 0; number < 800; number++, blocks++) {
        const step = stepDetector(state, block(number, blockMean(random, n, bursts)), reference, {
          threshold,
          minVectors: 30,
        });
        state = step.state;
        if (step.crossed) alarms++;
      }
    }
    // 192 alarms are allowed; three standard deviations of their number are 42.
    expect(alarms).toBeGreaterThan(50);
    expect(alarms).toBeLessThan(blocks / threshold + 3 * Math.sqrt(blocks / threshold));
  });

  it.each([
    ["independent vectors", false, 45],
    ["bursts", true, 90],
  ])("a shift by 0.4 standard deviations is seen at A = 100,000: %s", (_, bursts, limit) => {
    const random = seededRandom(12);
    const delays = Array.from({ length: 12 }, () => {
      const reference = referenceOf(random, 32);
      let state = startDetector(reference);
      let alarm = noAlarm;
      for (let number = 0; number < 350; number++) {
        const seen = block(number, blockMean(random, 64, bursts, number >= 30 ? 0.4 : 0));
        const step = stepDetector(state, seen, reference, { threshold: 1e5, minVectors: 30 });
        state = step.state;
        alarm = driftAlarm(alarm, step);
        if (alarm.active) return number - 30;
      }
      return Infinity;
    }).sort((a, b) => a - b);
    expect(delays[0]).toBeGreaterThan(0);
    expect(delays[6]).toBeLessThan(limit);
    expect(delays.at(-1)).toBeLessThan(300);
  });
});
