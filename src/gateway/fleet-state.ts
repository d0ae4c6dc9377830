import { z } from "zod";
import { jsonOf, type MonitorState, monitorState } from "../api/index.ts";
import {
  CorruptArtefact,
  type DetectorState,
  decodeDetector,
  encodeDetector,
  type Reference,
  SketchMismatch,
} from "../monitor/index.ts";
import { adoptBlocks, type DriftSignal, type FleetState, signals, startFleet } from "./fleet-monitor.ts";
import type { Material } from "./material.ts";
import type { NoiseByModel } from "./repeat-noise.ts";

export type Snapshot = MonitorState["snapshot"];

const alarm = z.object({ number: z.int().min(0), active: z.boolean() });
const checkpoint = monitorState.extend({
  model: z.string(),
  alarms: z.object({
    RepresentationDrift: alarm,
    ShiftFromBaseline: alarm,
    AdversarialAnomaly: alarm,
    ModelChanged: alarm,
  }),
  detectors: z.object({ RepresentationDrift: z.base64().nullable(), ShiftFromBaseline: z.base64().nullable() }),
  share: z.object({
    blocks: z.array(z.object({ block: z.int(), scored: z.int(), flagged: z.int() })).max(1000),
    lastOver: z.int(),
  }),
  blockMs: z.int().min(1),
  attacks: z.array(z.object({ from: z.int(), to: z.int().nullable() })).max(1000),
  noise: z.record(z.string(), z.object({ distance: z.number(), logNormRatio: z.number() })),
});

/** The state as it is kept in the ConfigMap, with its block number: a gateway that takes over goes on from here. */
export function encodeState(state: FleetState, snapshot: Snapshot): string {
  const encoded = (detector: DetectorState | null): string | null =>
    detector && Buffer.from(encodeDetector(detector)).toString("base64");
  const { model, block, blockMs, alarms, attacks, noise, autocorrelation, share, detectors } = state;
  return JSON.stringify({
    model,
    block,
    blockMs,
    reference: detectors.RepresentationDrift?.reference ?? "",
    alarms,
    attacks: [...attacks],
    noise: { ...noise },
    autocorrelation,
    snapshot,
    share: { blocks: [...share.blocks], lastOver: share.lastOver },
    detectors: {
      RepresentationDrift: encoded(detectors.RepresentationDrift),
      ShiftFromBaseline: encoded(detectors.ShiftFromBaseline),
    },
  } satisfies z.input<typeof checkpoint>);
}

/**
 * Reads a checkpoint. A detector of another reference, or a damaged one, starts anew; the alarms and their numbers are
 * kept in any case, and so are the attacks.
 *
 * @param text  null when there is none yet
 * @param block  where a first state begins, in blocks of `blockMs`
 */
export function decodeState(
  text: string | null,
  material: Material,
  block: number,
  blockMs: number,
): { state: FleetState; snapshot: Snapshot } {
  const fresh = startFleet(material, block, blockMs);
  const parsed = checkpoint.safeParse(jsonOf(text));
  if (!parsed.success) return { state: { ...fresh, ...oldFacts(text) }, snapshot: null };
  const { detectors, model, alarms, attacks, noise, autocorrelation, share, snapshot, block: last } = parsed.data;
  const decoded = (name: DriftSignal, reference: Reference | null): DetectorState | null => {
    const bytes = detectors[name];
    if (!reference || bytes === null || model !== material.model) return fresh.detectors[name];
    try {
      return decodeDetector(Buffer.from(bytes, "base64"), reference);
    } catch (error) {
      if (error instanceof CorruptArtefact || error instanceof SketchMismatch) return fresh.detectors[name];
      throw error;
    }
  };
  const state = {
    model,
    block: last,
    blockMs: parsed.data.blockMs,
    alarms,
    attacks,
    noise,
    autocorrelation,
    share,
    detectors: {
      RepresentationDrift: decoded("RepresentationDrift", material.drift),
      ShiftFromBaseline: decoded("ShiftFromBaseline", material.baseline),
    },
  };
  return { state: adoptBlocks(state, material, block, blockMs), snapshot };
}

/** Of a checkpoint, what every gateway goes by. */
export function decodeNoise(text: string | undefined): NoiseByModel {
  return checkpoint.pick({ noise: true }).safeParse(jsonOf(text)).data?.noise ?? {};
}

/** Numbers of alarms must never come twice, and an attack's window is never forgotten, whatever else cannot be read. */
function oldFacts(text: string | null): Partial<Pick<FleetState, "alarms" | "attacks">> {
  const content = jsonOf(text);
  const alarms = oldAlarms(content);
  return { ...(alarms && { alarms }), ...checkpoint.pick({ attacks: true }).safeParse(content).data };
}

function oldAlarms(content: unknown): FleetState["alarms"] | null {
  const parsed = monitorState.pick({ alarms: true }).safeParse(content);
  if (!parsed.success) return null;
  const [drift, shift, anomaly, changed] = signals.map(
    (name) => parsed.data.alarms[name] ?? { number: 0, active: false },
  );
  if (!drift || !shift || !anomaly || !changed) return null;
  return { RepresentationDrift: drift, ShiftFromBaseline: shift, AdversarialAnomaly: anomaly, ModelChanged: changed };
}
