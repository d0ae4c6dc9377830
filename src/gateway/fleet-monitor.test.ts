import { describe, expect, it } from "vitest";
import {
  buildReference,
  type Matrix,
  matrixOf,
  mostDimensions,
  type Reference,
  seededRandom,
} from "../monitor/index.ts";
import { mostWindows } from "./attack-windows.ts";
import { BlockRecorder, type ModelBlock, mergeBlocks } from "./block-recorder.ts";
import { decodeBlock, encodeBlock } from "./block-wire.ts";
import { fleetSettingsFixture as settings } from "./fleet.fixture.ts";
import { adoptMaterial, type FleetState, startFleet, stepFleet } from "./fleet-monitor.ts";
import { decodeNoise, decodeState, encodeState } from "./fleet-state.ts";
import { type Material, noMaterial } from "./material.ts";

const d = 6;
const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`;
const model = digestOf("a");
const other = digestOf("b");
const steady = { compared: 2, mismatched: 0 };

function vectors(count: number, shift: number, seed: number, length = d): Float32Array[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length }, () => shift + random.gaussian()));
}

function referenceOf(digest: string, seed = 1): Reference {
  const embeddings: Matrix = matrixOf(vectors(6000, 0, seed));
  return buildReference({ model: digest, inputs: "x", embeddings, seed: 3 });
}

function materialOf(digest: string, drift: Reference, baseline: Reference | null = drift): Material {
  const thresholds = new Map([["Median" as const, { score: 0.1, tie: 0 }]]);
  return { ...noMaterial(digest, ""), drift, baseline, thresholds, probes: { inputs: [], expected: drift.blocks } };
}

const reference = referenceOf(model);
const material = materialOf(model, reference);

function blockOf(
  block: number,
  rows: readonly Float32Array[],
  flags: { scored: number; flagged: number } = { scored: 0, flagged: 0 },
  watched = material,
): ModelBlock {
  const recorder = new BlockRecorder(1000, 100);
  recorder.watch(watched);
  recorder.add(model, block * 1000, rows);
  recorder.addFlags(model, block * 1000, flags.scored, flags.flagged);
  const [ended] = recorder.ended(model, block - 1, (block + 1) * 1000);
  if (!ended) throw new Error("no block");
  return ended;
}

function run(
  state: FleetState,
  blocks: readonly (ModelBlock | null)[],
  from: number,
  watched = material,
  following = settings,
) {
  let current = state;
  const results: string[] = [];
  const alarms: number[] = [];
  blocks.forEach((block, i) => {
    const step = stepFleet(current, from + i, block, steady, watched, following);
    current = step.state;
    results.push(step.result);
    if (step.state.alarms.RepresentationDrift.active) alarms.push(from + i);
  });
  return { state: current, results, alarms };
}

describe("blocks", () => {
  it("keeps models and blocks apart, and gives out only what has ended", () => {
    const recorder = new BlockRecorder(1000, 100);
    recorder.watch(material);
    recorder.add(model, 5_100, vectors(3, 0, 1));
    recorder.add(model, 5_900, vectors(2, 0, 2));
    recorder.add(model, 6_000, vectors(4, 0, 3));
    recorder.add(other, 5_500, vectors(7, 0, 4));
    expect(recorder.ended(model, -1, 6_500).map(({ block, n }) => [block, n])).toEqual([[5, 5]]);
    expect(recorder.ended(model, -1, 7_000).map(({ block, n }) => [block, n])).toEqual([
      [5, 5],
      [6, 4],
    ]);
    expect(recorder.ended(model, 5, 7_000)).toHaveLength(1);
    expect(recorder.ended(other, -1, 7_000)[0]?.sketches.size).toBe(0);
  });

  it("forgets old blocks", () => {
    const recorder = new BlockRecorder(1000, 3);
    for (let block = 0; block < 10; block++) recorder.add(model, block * 1000, []);
    expect(recorder.ended(model, -1, 20_000).map(({ block }) => block)).toEqual([7, 8, 9]);
  });

  it("merged over gateways and over the wire is what one gateway would have seen", () => {
    const rows = vectors(120, 0, 9);
    const whole = blockOf(7, rows, { scored: 10, flagged: 3 });
    const parts = [rows.slice(0, 50), rows.slice(50)].map((part, i) => blockOf(7, part, { scored: 5, flagged: 1 + i }));
    const travelled = parts.map((part) =>
      decodeBlock(model, JSON.parse(JSON.stringify(encodeBlock(part))), [reference]),
    );
    const merged = mergeBlocks(travelled);
    expect(merged).toMatchObject({ n: 120, scored: 10, flagged: 3 });
    const [a, b] = [merged, whole].map((block) => block?.sketches.get(reference.hash));
    expect(a?.n).toBe(b?.n);
    expect(a?.counts).toEqual(b?.counts);
    a?.sum.forEach((value, j) => expect(value).toBeCloseTo(b?.sum[j] ?? Number.NaN, 9));
  });

  it("keeps sketches of few vectors in the process: only their number leaves", () => {
    const wire = encodeBlock(blockOf(1, vectors(31, 0, 1)));
    expect(wire).toMatchObject({ n: 31, sketches: {} });
    expect(Object.keys(encodeBlock(blockOf(1, vectors(32, 0, 1))).sketches)).toEqual([reference.hash]);
  });
});

describe("stepFleet", () => {
  const quiet = Array.from({ length: 60 }, (_, i) => blockOf(100 + i, vectors(40, 0, 1000 + i)));
  const shifted = Array.from({ length: 60 }, (_, i) => blockOf(160 + i, vectors(40, 0.8, 5000 + i)));

  it("is silent on traffic like the reference, and raises one alarm after a shift", () => {
    const before = run(startFleet(material, 99, 1000), quiet, 100);
    expect(before.alarms).toEqual([]);
    expect(new Set(before.results)).toEqual(new Set(["bet"]));
    const after = run(before.state, shifted, 160);
    expect(after.alarms.length).toBeGreaterThan(20);
    expect(after.state.alarms.RepresentationDrift).toEqual({ number: 1, active: true });
  });

  it("says what kind of block it was", () => {
    const few = blockOf(2, vectors(10, 0, 1));
    const unsketched = { ...blockOf(3, vectors(10, 0, 1)), sketches: new Map() };
    expect(run(startFleet(material, 0, 1000), [null, few, unsketched], 1).results).toEqual(["empty", "short", "short"]);
    const step = stepFleet(
      startFleet(noMaterial(model, ""), 0, 1000),
      1,
      null,
      steady,
      noMaterial(model, ""),
      settings,
    );
    expect(step.result).toBe("learning");
    expect(step.readings.RepresentationDrift.learning).toBe(true);
    expect(step.readings.AdversarialAnomaly.learning).toBe(true);
    expect(step.readings.ModelChanged.learning).toBe(true);
  });

  it("is learning while the evidence cannot come to the threshold, and releases no alarm meanwhile", () => {
    const strict = { ...settings, threshold: 1e200 };
    const alarmed = { number: 2, active: true };
    const start = startFleet(material, 0, 1000);
    let state: FleetState = { ...start, alarms: { ...start.alarms, RepresentationDrift: alarmed } };
    for (let block = 1; block <= reference.blocks.rows + 1; block++) {
      const step = stepFleet(state, block, blockOf(block, vectors(40, 0, block)), steady, material, strict);
      expect(step.result).toBe("bet");
      expect(step.readings.RepresentationDrift).toMatchObject({ learning: true, alarm: alarmed });
      ({ state } = step);
    }
    const lax = stepFleet(state, 1000, quiet[0] ?? null, steady, material, settings);
    expect(lax.readings.RepresentationDrift.learning).toBe(false);
  });

  it("raises AdversarialAnomaly on the flagged share, not on drift", () => {
    const attacked = Array.from({ length: 3 }, (_, i) =>
      blockOf(1 + i, vectors(40, 0, i), { scored: 40, flagged: 20 }),
    );
    expect(run(startFleet(material, 0, 1000), attacked, 1).state.alarms.AdversarialAnomaly).toEqual({
      number: 1,
      active: true,
    });
    const benign = attacked.map((block) => ({ ...block, flagged: 1 }));
    expect(run(startFleet(material, 0, 1000), benign, 1).state.alarms.AdversarialAnomaly.active).toBe(false);
    expect(run(startFleet(material, 0, 1000), shifted, 1).state.alarms.AdversarialAnomaly.active).toBe(false);
  });

  it("notes an attack from the blocks that led to its alarm on, and while protection is on without an alarm", () => {
    const attacked = [0, 20, 20, 0].map((flagged, i) => blockOf(11 + i, vectors(40, 0, i), { scored: 40, flagged }));
    const { state } = run(startFleet(material, 10, 1000), attacked, 11);
    expect(state.alarms.AdversarialAnomaly.active).toBe(true);
    expect(state.attacks).toEqual([{ from: 8_000, to: null }]);
    const protecting = { ...settings, protecting: true };
    const step = stepFleet(startFleet(material, 10, 1000), 11, null, steady, material, protecting);
    expect(step.state.attacks).toEqual([{ from: 7_000, to: null }]);
  });

  it("goes on after a takeover as if there had been none", () => {
    const blocks = [...quiet.slice(0, 30), ...shifted];
    const uninterrupted = run(startFleet(material, 99, 1000), blocks, 100);
    let state = startFleet(material, 99, 1000);
    blocks.forEach((block, i) => {
      state = run(state, [block], 100 + i).state;
      ({ state } = decodeState(encodeState(state, null), material, 0, 1000));
    });
    expect(state).toEqual(uninterrupted.state);
  });

  it("keeps a checkpoint that has all it can have within 20 KB at the most dimensions, and goes on from it exactly", () => {
    const widest = mostDimensions;
    // Of one direction and one frequency: a whole one takes seconds to fit.
    const wideReference = (hash: string, seed: number): Reference => {
      const axis = matrixOf(vectors(1, 0, 1, widest));
      const whitening = { ...reference.whitening, basis: axis, mean: new Float64Array(widest).fill(0.01) };
      const fourier = { ...reference.fourier, dimension: widest, features: 2 };
      const blocks = matrixOf(vectors(12, 0, seed, widest));
      return { ...reference, hash, dimension: widest, blocks, whitening, fourier, centroids: axis };
    };
    const wide = materialOf(model, wideReference(digestOf("c"), 1), wideReference(digestOf("d"), 2));
    // Blocks of a second, as they are numbered today.
    const firstBlock = 1_790_000_000;
    const blocks = Array.from({ length: 10 }, (_, i) => {
      const [vector = new Float32Array()] = vectors(1, 0.02 * i, i, widest);
      const many = Array.from({ length: 32 }, () => vector);
      return blockOf(firstBlock + i, many, { scored: 100_000, flagged: 10_000 }, wide);
    });
    const uri = `store://traffic/${"n".repeat(63)}/${"s".repeat(63)}@${digestOf("e")}`;
    const snapshot = { uri, samples: 20_000, from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z" };
    const noise = { distance: 1e-7 / 3, logNormRatio: -1e-7 / 3 };
    const alarm = { number: 100_000, active: false };
    const fullest: FleetState = {
      ...startFleet(wide, firstBlock - 1, 1000),
      attacks: Array.from({ length: mostWindows }, (_, i) => ({ from: 1.7e12 + i, to: 1.7e12 + i + 1 })),
      noise: { [model]: noise, [other]: noise },
      autocorrelation: { value: -0.1 / 3, lower: -0.1 / 3 },
      alarms: { RepresentationDrift: alarm, ShiftFromBaseline: alarm, AdversarialAnomaly: alarm, ModelChanged: alarm },
    };
    const tenBlocks = { ...settings, shareWindow: 10, minShare: 0.5 };
    const uninterrupted = run(fullest, blocks, firstBlock, wide, tenBlocks);
    let state = fullest;
    blocks.forEach((block, i) => {
      const text = encodeState(run(state, [block], firstBlock + i, wide, tenBlocks).state, snapshot);
      expect(text.length).toBeLessThanOrEqual(20_000);
      ({ state } = decodeState(text, wide, 0, 1000));
    });
    expect(state).toEqual(uninterrupted.state);
    expect(state.share.blocks).toHaveLength(10);
    expect(state.detectors.ShiftFromBaseline?.used).toBe(10);
  });
});

describe("another model", () => {
  const alarmed: FleetState = {
    ...startFleet(material, 10, 1000),
    alarms: {
      RepresentationDrift: { number: 3, active: true },
      ShiftFromBaseline: { number: 1, active: true },
      AdversarialAnomaly: { number: 2, active: true },
      ModelChanged: { number: 0, active: false },
    },
  };

  it("releases what was said of the model before, keeps numbers, and keeps ShiftFromBaseline", () => {
    const next = adoptMaterial(alarmed, materialOf(other, referenceOf(other)));
    expect(next.model).toBe(other);
    expect(next.alarms).toEqual({
      RepresentationDrift: { number: 3, active: false },
      ShiftFromBaseline: { number: 1, active: true },
      AdversarialAnomaly: { number: 2, active: false },
      ModelChanged: { number: 0, active: false },
    });
    expect(next.detectors.RepresentationDrift?.block).toBe(-1);
  });

  it("restarts only the detector whose reference changed", () => {
    const moved = run(startFleet(material, 0, 1000), [blockOf(1, vectors(40, 0, 1))], 1).state;
    const next = adoptMaterial(moved, materialOf(model, reference, referenceOf(model, 77)));
    expect(next.detectors.RepresentationDrift).toBe(moved.detectors.RepresentationDrift);
    expect(next.detectors.ShiftFromBaseline?.block).toBe(-1);
  });
});

describe("decodeState", () => {
  const sound = encodeState(
    {
      ...startFleet(material, 5, 1000),
      alarms: { ...startFleet(material, 5, 1000).alarms, ModelChanged: { number: 4, active: true } },
    },
    null,
  );

  it.each([
    ["nothing", null, 9, 0],
    ["no JSON", "{", 9, 0],
    [
      "a state of before",
      JSON.stringify({
        block: 1,
        reference: "",
        alarms: { ModelChanged: { number: 4, active: true } },
        snapshot: null,
      }),
      9,
      4,
    ],
    [
      "a damaged detector",
      sound.replace(/"RepresentationDrift":"[^"]{20}/, '"RepresentationDrift":"AAAAAAAAAAAAAAAAAAAA'),
      5,
      4,
    ],
    ["a sound one", sound, 5, 4],
  ])("%s: numbers of alarms are kept where there are any", (_, text, block, number) => {
    const { state } = decodeState(text, material, 9, 1000);
    expect(state.block).toBe(block);
    expect(state.alarms.ModelChanged.number).toBe(number);
    expect(state.detectors.RepresentationDrift?.reference).toBe(reference.hash);
  });

  it("forgets no attack, whatever else it cannot read", () => {
    const attacks = [{ from: 1, to: null }];
    const noise = { [model]: { distance: 1e-5, logNormRatio: 0 } };
    const state = { ...startFleet(material, 5, 1000), attacks, noise };
    expect(decodeState(encodeState(state, null), material, 9, 1000).state).toEqual(state);
    const old = JSON.stringify({ attacks, alarms: {} });
    expect(decodeNoise(encodeState(state, null))).toEqual(noise);
    expect([decodeNoise(old), decodeNoise(undefined)]).toEqual([{}, {}]);
    expect(decodeState(old, material, 9, 1000).state).toMatchObject({ attacks, block: 9 });
  });

  it("begins anew with blocks of another length, but for alarms and attacks", () => {
    const { state } = decodeState(sound, material, 2, 2000);
    expect(state).toEqual({
      ...startFleet(material, 2, 2000),
      alarms: { ...startFleet(material, 2, 2000).alarms, ModelChanged: { number: 4, active: true } },
    });
  });
});
