import { leastExported } from "../monitor/index.ts";
import {
  type FleetSettings,
  type FleetState,
  type ProbedPods,
  type SeenBlock,
  type SignalName,
  signals,
  stepFleet,
} from "./fleet-monitor.ts";
import type { Material } from "./material.ts";
import type { MaterialOrigin } from "./material-message.ts";

/** What one step came from, beside the state before it and the material. */
export type StepInput = {
  readonly block: number;
  readonly seen: SeenBlock | null;
  readonly pods: ProbedPods;
  readonly settings: FleetSettings;
};

export type TrailStep = StepInput & { readonly before: FleetState; readonly after: FleetState };

/** What an alarm was raised from: with the material it gives the alarm again (decision 33). */
export type AlarmEvidence = {
  readonly origin: MaterialOrigin | null;
  readonly raised: readonly { readonly signal: SignalName; readonly number: number }[];
  /** The state before the first of the steps. */
  readonly before: FleetState;
  readonly steps: readonly StepInput[];
};

/** An alarm takes about 23 blocks at the default budget; what was before these is summed up in the state. */
export const longestTrail = 32;

/** @returns the last steps that lead to each other: what was begun anew, or read again, begins another trail */
export function extendTrail(trail: readonly TrailStep[], step: TrailStep): readonly TrailStep[] {
  const last = trail.at(-1);
  const goesOn = last && !mustStay(last) && leadsTo(last.after, step.before);
  return [...(goesOn ? trail : []), step].slice(-longestTrail);
}

/**
 * @param material  that the last step was made with
 * @returns null unless the last step raised an alarm; Withheld when its vectors are too few to be told of
 */
export function evidenceOf(
  trail: readonly TrailStep[],
  { origin }: Pick<Material, "origin">,
): AlarmEvidence | "Withheld" | null {
  const [first, last] = [trail[0], trail.at(-1)];
  if (!first || !last) return null;
  const raised = signals
    .map((signal) => ({ signal, number: last.after.alarms[signal].number }))
    .filter(({ signal, number }) => number > last.before.alarms[signal].number);
  if (raised.length === 0) return null;
  if (mustStay(last)) return "Withheld";
  const steps = trail.map(({ block, seen, pods, settings }) => ({ block, seen, pods, settings }));
  return { origin, raised, before: first.before, steps };
}

/** @returns the alarms as the steps leave them */
export function recomputeAlarms({ before, steps }: AlarmEvidence, material: Material): FleetState["alarms"] {
  const after = steps.reduce(
    (state, { block, seen, pods, settings }) => stepFleet(state, block, seen, pods, material, settings).state,
    before,
  );
  return after.alarms;
}

/** Sums of fewer vectors than may leave the process (decision 7), and yet enough for a bet. */
function mustStay({ seen, settings }: StepInput): boolean {
  return [...(seen?.sketches.values() ?? [])].some(({ n }) => n >= settings.minVectors && n < leastExported);
}

/** A state that goes on from another shares its parts. */
function leadsTo(after: FleetState, before: FleetState): boolean {
  return (
    after.alarms === before.alarms &&
    after.share === before.share &&
    after.detectors.RepresentationDrift === before.detectors.RepresentationDrift &&
    after.detectors.ShiftFromBaseline === before.detectors.ShiftFromBaseline
  );
}
