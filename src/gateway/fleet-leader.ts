import { request } from "undici";
import { gatewayStateName } from "../api/index.ts";
import { type ConfigMap, configMaps, isKubeError, type Kube, type Stored, sleep, type Term } from "../kube/index.ts";
import {
  blockAt,
  blockAutocorrelation,
  blockEnd,
  CorruptArtefact,
  leastExported,
  type Sketch,
  SketchMismatch,
  windowTest,
} from "../monitor/index.ts";
import type { AttackRecord } from "../registry/index.ts";
import { type AlarmEvidence, evidenceOf, extendTrail, type TrailStep } from "./alarm-trail.ts";
import { type BlockRecorder, type ModelBlock, mergeBlocks } from "./block-recorder.ts";
import { decodeBlock, wireBlocks } from "./block-wire.ts";
import {
  adoptBlocks,
  adoptMaterial,
  beginAnew,
  type FleetSettings,
  type FleetState,
  type FleetStep,
  type ProbedPods,
  type SeenBlock,
  stepFleet,
} from "./fleet-monitor.ts";
import { decodeState, encodeState, type Snapshot } from "./fleet-state.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import type { Material } from "./material.ts";
import { adoptNoise, type NoiseByModel } from "./repeat-noise.ts";

/** What the leader needs of its gateway, as it is now. */
export type FleetView = {
  readonly material: Material;
  readonly settings: FleetSettings;
  readonly blockMs: number;
  readonly recorder: BlockRecorder;
  readonly pods: ProbedPods;
  /** What was measured here of the models in use. */
  readonly noise: NoiseByModel;
  readonly models: readonly string[];
  /** Addresses of the other gateways' admin ports. */
  readonly fellows: readonly string[];
};

export type FleetLeaderOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  readonly service: string;
  /** Null while there is no configuration or no material. */
  readonly view: () => FleetView | null;
  /** The newest finished snapshot of captured traffic, at once; the one before when there is none yet. */
  readonly snapshot: (before: Snapshot) => Snapshot;
  /** Told after each save when the service was attacked. */
  readonly attacked: (record: AttackRecord) => void;
  /** Told after each save what the alarms that it raised came from; mostly of none. */
  readonly alarmed: (alarms: readonly AlarmEvidence[]) => void;
  readonly metrics: GatewayMetrics;
  readonly onFault: (error: unknown) => void;
};

/** A step with what it came from. */
type LedStep = FleetStep & { readonly trail: TrailStep };

/** Blocks that gateways keep, and that a new leader goes back at most. */
export const keptBlocks = 32;
/** The window test looks at this many blocks. */
const windowBlocks = 32;
/** A shift of a quarter of a standard deviation is no shift (decision 4). */
const minimumEffect = 0.25;

/**
 * Steps the monitor of one service, block by block over all its gateways, while this one holds the lease (decision 33).
 * The state is saved before its metrics are shown; when another has saved meanwhile, it is read again.
 */
export async function leadFleet(options: FleetLeaderOptions, { signal, fence }: Term): Promise<void> {
  const { kube: unfenced, namespace, service, view, snapshot: newestSnapshot, metrics, onFault } = options;
  const kube = unfenced.fenced(fence);
  const key = { namespace, name: gatewayStateName(service) };
  let recent: readonly Sketch[] = [];
  let trail: readonly TrailStep[] = [];
  let saved: { object: Stored<ConfigMap>; state: FleetState; snapshot: Snapshot } | null = null;
  while (!signal.aborted) {
    const now = view();
    if (!now) {
      await sleep(500, signal).catch(() => {});
      continue;
    }
    const { material, blockMs } = now;
    const last = blockAt(Date.now() - graceMs(blockMs), blockMs) - 1;
    try {
      if (!saved) {
        const object = await kube.get(configMaps, key, { signal, timeoutMs: 5_000 });
        if (object)
          saved = { object, ...decodeState(object.data?.["state.json"] ?? null, material, last - 1, blockMs) };
      }
      if (saved && saved.state.blockMs !== blockMs) {
        saved = { ...saved, state: adoptBlocks(saved.state, material, last - 1, blockMs) };
        recent = [];
      }
      if (saved && saved.state.block > last + keptBlocks) {
        onFault(aheadOfTime(saved.state, last));
        saved = { ...saved, state: beginAnew(saved.state, material, last - 1, blockMs) };
        recent = [];
      }
      if (saved && saved.state.block < last) {
        const noise = adoptNoise(saved.state.noise, now.noise, now.models);
        const state: FleetState = { ...adoptMaterial(saved.state, material), noise };
        const { steps, window } = await stepTo(last, state, now, metrics, signal);
        const trails = trailsOf(trail, steps);
        const latest = [...recent, ...window].slice(-windowBlocks);
        const snapshot = newestSnapshot(saved.snapshot);
        const newest = {
          ...(steps.at(-1)?.state ?? state),
          autocorrelation: autocorrelationOf(latest, material, now.settings) ?? state.autocorrelation,
        };
        const data = { ...saved.object.data, "state.json": encodeState(newest, snapshot) };
        const object: Stored<ConfigMap> = await kube.replace(
          configMaps,
          { ...saved.object, data },
          { signal, timeoutMs: 5_000 },
        );
        // What could not be saved is stepped again, with the same blocks.
        saved = { object, state: newest, snapshot };
        recent = latest;
        trail = trails.at(-1) ?? trail;
        options.attacked({ at: blockEnd(newest.block, blockMs), windows: newest.attacks });
        options.alarmed(trails.flatMap((one) => evidenceOrFault(one, material, onFault)));
        metrics.correlated(newest.autocorrelation);
        const p = pOf(recent, material, now.settings);
        for (const step of steps) {
          const { threshold, minShare } = now.settings;
          metrics.stepped(step, { threshold, minShare, blockEnd: blockEnd(step.state.block, blockMs), p });
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      onFault(error);
      if (isKubeError(error, "Conflict", "NotFound")) saved = null;
      await sleep(500, signal).catch(() => {});
      continue;
    }
    const wait = saved ? blockEnd(last + 1, blockMs) + graceMs(blockMs) - Date.now() : 500;
    await sleep(Math.max(20, wait), signal).catch(() => {});
  }
}

/** Blocks are read so long after their end: clocks differ, and answers under way at the end come late. */
function graceMs(blockMs: number): number {
  return Math.min(2_000, Math.max(100, blockMs / 4));
}

/** Few blocks are waited for: clocks differ. Waiting for many would be blindness for as long as a clock was fast. */
function aheadOfTime({ block, blockMs }: FleetState, last: number): Error {
  const [saved, now] = [block, last].map((one) => new Date(blockEnd(one, blockMs)).toISOString());
  return new Error(
    `the saved statistics go to ${saved}, the last block ended at ${now}: the clock of the gateway that saved them was fast, or this one's is slow; they begin anew, alarms stay`,
  );
}

async function stepTo(
  last: number,
  before: FleetState,
  { material, settings, recorder, pods, fellows }: FleetView,
  metrics: GatewayMetrics,
  signal: AbortSignal,
): Promise<{ steps: LedStep[]; window: Sketch[] }> {
  const after = Math.max(before.block, last - keptBlocks);
  const references = [material.drift, material.baseline].flatMap((reference) => reference ?? []);
  const answers = await Promise.all(
    fellows.map(async (fellow) => {
      try {
        const answer = await fetchBlocks(fellow, material.model, after, signal);
        return answer.blocks.map((block) => decodeBlock(material.model, block, references));
      } catch (error) {
        if (error instanceof CorruptArtefact || error instanceof SketchMismatch) return [];
        metrics.lateBlocks(material.model, last - after);
        return [];
      }
    }),
  );
  const all: ModelBlock[] = [...recorder.ended(material.model, after, Date.now()), ...answers.flat()];
  const steps: LedStep[] = [];
  const window: Sketch[] = [];
  let state = before;
  for (let block = after + 1; block <= last; block++) {
    const merged = mergeBlocks(all.filter((one) => one.block === block));
    const seen = merged && asSeen(merged);
    const step = stepFleet(state, block, seen, pods, material, settings);
    const sketch = material.drift && merged?.sketches.get(material.drift.hash);
    if (sketch) window.push(sketch);
    steps.push({ ...step, trail: { block, seen, pods, settings, before: state, after: step.state } });
    state = step.state;
  }
  return { steps, window };
}

/** A block of this gateway alone may still be added to, by an answer that comes late; a step's sums stay as they were. */
function asSeen(block: ModelBlock): SeenBlock {
  const sketches = [...block.sketches].map(([reference, { model, block, n, sum }]) => {
    return [reference, { model, block, n, sum: sum.slice() }] as const;
  });
  return { ...block, sketches: new Map(sketches) };
}

/** @returns the trail up to each of the steps */
function trailsOf(before: readonly TrailStep[], steps: readonly LedStep[]): (readonly TrailStep[])[] {
  let trail = before;
  return steps.map((step) => {
    trail = extendTrail(trail, step.trail);
    return trail;
  });
}

function evidenceOrFault(
  trail: readonly TrailStep[],
  material: Material,
  onFault: (error: unknown) => void,
): AlarmEvidence[] {
  const evidence = evidenceOf(trail, material);
  if (evidence !== "Withheld") return evidence ? [evidence] : [];
  const block = trail.at(-1)?.block;
  onFault(new Error(`no evidence is kept of the alarm at block ${block}: its vectors are fewer than ${leastExported}`));
  return [];
}

async function fetchBlocks(fellow: string, model: string, after: number, signal: AbortSignal) {
  const url = `${fellow}/internal/blocks?model=${encodeURIComponent(model)}&after=${after}`;
  const { statusCode, body } = await request(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(1_500)]) });
  const answer: unknown = await body.json();
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}`);
  return wireBlocks.parse(answer);
}

function autocorrelationOf(recent: readonly Sketch[], { drift }: Material, { minVectors }: FleetSettings) {
  return drift && blockAutocorrelation(recent, drift, minVectors);
}

function pOf(recent: readonly Sketch[], { drift }: Material, { minVectors }: FleetSettings): number | null {
  if (!drift) return null;
  const comparable = recent.filter(({ reference }) => reference === drift.hash);
  return windowTest(comparable, drift, { features: "Whitened", minimumEffect, minVectors })?.p ?? null;
}
