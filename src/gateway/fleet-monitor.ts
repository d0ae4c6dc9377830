import type { GatewayConfig } from "../api/index.ts";
import { milliseconds } from "../api/index.ts";
import {
  type Alarm,
  alarmThreshold,
  type BlockAutocorrelation,
  type BlockSum,
  blockEnd,
  blockStatistics,
  type DetectorState,
  detectorEffect,
  driftAlarm,
  emptyWindow,
  meanEvidence,
  modelAlarm,
  mostEvidence,
  noAlarm,
  type Reference,
  release,
  type ShareWindow,
  startDetector,
  stepDetector,
  stepShare,
} from "../monitor/index.ts";
import type { AttackWindow } from "../registry/index.ts";
import { stepAttacks } from "./attack-windows.ts";
import type { ModelBlock } from "./block-recorder.ts";
import type { Material } from "./material.ts";
import type { NoiseByModel } from "./repeat-noise.ts";

export const driftSignals = ["RepresentationDrift", "ShiftFromBaseline"] as const;
export type DriftSignal = (typeof driftSignals)[number];
export const signals = [...driftSignals, "AdversarialAnomaly", "ModelChanged"] as const;
export type SignalName = (typeof signals)[number];

/** The monitor of one service, as of one block: all that goes on to the next block. */
export type FleetState = {
  /** The stable model, whose blocks these are. */
  readonly model: string;
  /** The last block that was stepped. */
  readonly block: number;
  /** Length of a block: numbers of blocks of another length say nothing. */
  readonly blockMs: number;
  /** Null without a reference. */
  readonly detectors: Readonly<Record<DriftSignal, DetectorState | null>>;
  readonly share: ShareWindow;
  readonly alarms: Readonly<Record<SignalName, Alarm>>;
  /** When the service was attacked, in the order of time. */
  readonly attacks: readonly AttackWindow[];
  /** Of the repeats of the models in use. */
  readonly noise: NoiseByModel;
  /** As it was measured last; null before there were enough blocks. */
  readonly autocorrelation: BlockAutocorrelation | null;
};

/** What a block said of a signal, for the metrics. */
export type SignalReading = {
  /** Without a reference or calibration, or with one too small for any alarm. */
  readonly learning: boolean;
  readonly alarm: Alarm;
  readonly evidence: number | null;
  readonly effect: number | null;
  readonly samples: number;
  readonly referenceBlocks: number | null;
  /** The most that the evidence can come to; null for signals that have none. */
  readonly mostEvidence: number | null;
};

export type BlockResult = "bet" | "short" | "empty" | "learning";

export type FleetStep = {
  readonly state: FleetState;
  readonly result: BlockResult;
  readonly readings: Readonly<Record<SignalName, SignalReading>>;
  /** Lower bound of the flagged share; null below the least number of scores. */
  readonly flaggedShare: number | null;
};

/** What a step goes by of the fleet's block. */
export type SeenBlock = Omit<ModelBlock, "sketches"> & { readonly sketches: ReadonlyMap<string, BlockSum> };

/** Pods of the stable model: probes compared, and those that did not match. */
export type ProbedPods = { readonly compared: number; readonly mismatched: number };

export type FleetSettings = {
  /** A of the e-detectors. */
  readonly threshold: number;
  readonly minVectors: number;
  readonly minShare: number;
  /** Blocks that the flagged share is taken over, and the scores it needs. */
  readonly shareWindow: number;
  readonly minScored: number;
  /** Whether protection is on: then there is an attack, whatever set it off. */
  readonly protecting: boolean;
};

/** Signals that may raise a false alarm by chance share the budget; ModelChanged compares fixed inputs (decision 3). */
const sharingSignals = 3;

export function fleetSettings({ monitoring, protection }: GatewayConfig): FleetSettings {
  const { block, falseAlarms, minVectors, consistency } = monitoring;
  return {
    threshold: alarmThreshold({
      period: milliseconds(falseAlarms.per),
      block: milliseconds(block),
      allowed: falseAlarms.atMost,
      signals: sharingSignals,
    }),
    minVectors,
    minShare: consistency.minShare,
    shareWindow: 10,
    minScored: 30,
    protecting: protection.active,
  };
}

const noAlarms = {
  RepresentationDrift: noAlarm,
  ShiftFromBaseline: noAlarm,
  AdversarialAnomaly: noAlarm,
  ModelChanged: noAlarm,
};

/** The state before the first block. */
export function startFleet(material: Material, block: number, blockMs: number): FleetState {
  const { model } = material;
  const detectors = startDetectors(material);
  return {
    model,
    block,
    blockMs,
    detectors,
    share: emptyWindow,
    alarms: noAlarms,
    attacks: [],
    noise: {},
    autocorrelation: null,
  };
}

/**
 * The state as it fits blocks of this length. Other blocks have other numbers and other means: everything begins anew.
 *
 * @param block  where blocks of another length begin
 */
export function adoptBlocks(state: FleetState, material: Material, block: number, blockMs: number): FleetState {
  return state.blockMs === blockMs ? state : beginAnew(state, material, block, blockMs);
}

/**
 * Everything from this block on, but for the alarms and what is known of attacks and of the models' noise. An attack that
 * a fast clock noted in what is the future here is on now.
 */
export function beginAnew(state: FleetState, material: Material, block: number, blockMs: number): FleetState {
  const { alarms, noise } = state;
  const attacks = state.attacks.map(({ from, to }) => ({ from: Math.min(from, blockEnd(block, blockMs)), to }));
  return { ...startFleet(material, block, blockMs), alarms, attacks, noise };
}

/**
 * The state as it fits the material in force.
 *
 * Another model begins anew: alarms about the one before are released under their numbers, so that numbers never come
 * twice. ShiftFromBaseline stays as it is until its own detector releases it: it is about the data (decision 5). A
 * reference that has changed restarts its own detector alone.
 */
export function adoptMaterial(state: FleetState, material: Material): FleetState {
  const fresh = startDetectors(material);
  if (state.model !== material.model) {
    const { ShiftFromBaseline } = state.alarms;
    const released = signals.map((name) => [name, release(state.alarms[name])] as const);
    const alarms = { ...noAlarms, ...Object.fromEntries(released), ShiftFromBaseline };
    return { ...state, model: material.model, detectors: fresh, share: emptyWindow, alarms, autocorrelation: null };
  }
  const kept = (name: DriftSignal): DetectorState | null =>
    state.detectors[name]?.reference === fresh[name]?.reference ? state.detectors[name] : fresh[name];
  return {
    ...state,
    detectors: { RepresentationDrift: kept("RepresentationDrift"), ShiftFromBaseline: kept("ShiftFromBaseline") },
  };
}

/**
 * Takes in one block of the fleet. The same state, block and material always give the same step (decision 33).
 *
 * @param seen   null when no gateway saw a request
 */
export function stepFleet(
  state: FleetState,
  block: number,
  seen: SeenBlock | null,
  pods: ProbedPods,
  material: Material,
  settings: FleetSettings,
): FleetStep {
  const drift = stepDrift(state, "RepresentationDrift", block, seen, material.drift, settings);
  const shift = stepDrift(state, "ShiftFromBaseline", block, seen, material.baseline, settings);
  const { scored = 0, flagged = 0 } = seen ?? {};
  const share = stepShare(
    state.share,
    state.alarms.AdversarialAnomaly,
    { block, scored, flagged },
    {
      minShare: settings.minShare,
      window: settings.shareWindow,
      minScored: settings.minScored,
      // One chance in A that a block's bound is wrong: the same share of the budget as an e-detector's.
      confidence: 1 - 1 / Math.max(2, settings.threshold),
    },
  );
  const { blockMs: lengthMs } = state;
  const attacked = share.alarm.active || settings.protecting;
  const changed = modelAlarm(state.alarms.ModelChanged, pods);
  const readings: FleetStep["readings"] = {
    RepresentationDrift: drift.reading,
    ShiftFromBaseline: shift.reading,
    AdversarialAnomaly: {
      learning: material.thresholds.size === 0,
      alarm: share.alarm,
      evidence: null,
      effect: share.scored > 0 ? share.flagged / share.scored : null,
      samples: share.scored,
      referenceBlocks: null,
      mostEvidence: null,
    },
    ModelChanged: {
      learning: material.probes === null,
      alarm: changed,
      evidence: null,
      effect: pods.compared > 0 ? pods.mismatched / pods.compared : null,
      samples: pods.compared,
      referenceBlocks: null,
      mostEvidence: null,
    },
  };
  return {
    state: {
      ...state,
      block,
      detectors: { RepresentationDrift: drift.detector, ShiftFromBaseline: shift.detector },
      share: share.window,
      alarms: {
        RepresentationDrift: drift.reading.alarm,
        ShiftFromBaseline: shift.reading.alarm,
        AdversarialAnomaly: share.alarm,
        ModelChanged: changed,
      },
      attacks: stepAttacks(state.attacks, { number: block, lengthMs, attacked }, settings.shareWindow),
    },
    result: drift.result,
    readings,
    flaggedShare: share.bounds?.lower ?? null,
  };
}

function startDetectors({ drift, baseline }: Material): FleetState["detectors"] {
  return {
    RepresentationDrift: drift && startDetector(drift),
    ShiftFromBaseline: baseline && startDetector(baseline),
  };
}

function stepDrift(
  state: FleetState,
  name: DriftSignal,
  block: number,
  seen: SeenBlock | null,
  reference: Reference | null,
  { threshold, minVectors }: FleetSettings,
): { detector: DetectorState | null; result: BlockResult; reading: SignalReading } {
  const before = state.detectors[name];
  const samples = seen?.n ?? 0;
  if (!reference || !before) {
    const reading = { learning: true, alarm: state.alarms[name], evidence: null, effect: null, samples };
    return { detector: null, result: "learning", reading: { ...reading, referenceBlocks: null, mostEvidence: null } };
  }
  const sketch = seen?.sketches.get(reference.hash);
  const { model } = reference;
  const statistics = sketch ? blockStatistics(sketch) : { model, block, n: 0, mean: new Float64Array(0) };
  const step = stepDetector(before, statistics, reference, { threshold, minVectors });
  const effect = step.crossed ? detectorEffect(before, reference) : detectorEffect(step.state, reference);
  const reachable = mostEvidence(reference.blocks.rows);
  const blind = reachable < threshold;
  const reading = {
    learning: blind,
    // A detector that cannot raise an alarm cannot release one either: going through its reference says nothing.
    alarm: blind ? state.alarms[name] : driftAlarm(state.alarms[name], step),
    evidence: step.result === "bet" ? step.evidence : meanEvidence(step.state.evidence),
    effect,
    samples,
    referenceBlocks: reference.blocks.rows - step.state.used,
    mostEvidence: reachable,
  };
  // Vectors came, but too few in each gateway for a sketch to leave it.
  const result = step.result === "empty" && samples > 0 ? "short" : step.result;
  return { detector: step.state, result: result === "late" ? "empty" : result, reading };
}
