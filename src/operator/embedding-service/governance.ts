import { type Cause, longestGpuSeconds, milliseconds, type RetrainingSpec } from "../../api/index.ts";
import { instant, time } from "../instant.ts";
import { noTraffic } from "./traffic.ts";
import type { Observed } from "./world.ts";

/** Why a cause does not start a run now. */
export type Held = { readonly reason: string; readonly message: string; readonly until: number | null };

/** What of a run decides whether it may start: one made by hand has a size of its own. */
type Proposed = Pick<RetrainingSpec, "cause" | "maxDuration" | "placement">;

type Limit = (world: Observed, run: Proposed, now: number) => Held | null;

/** What holds back a run. Each is kept for each class of cause, so that attacks cannot use up what drift needs (12). */
export const governance: readonly Limit[] = [answeredAlready, openCircuit, coolDown, withinBudget];

export function heldBack(world: Observed, run: Proposed, now: number): Held | null {
  for (const limit of governance) {
    const held = limit(world, run, now);
    if (held) return held;
  }
  return null;
}

/** As `heldBack`, of the run that the service would make for the cause. */
export function causeHeldBack(world: Observed, cause: Cause, now: number): Held | null {
  const { retraining } = world.service.spec;
  return retraining ? heldBack(world, { ...retraining, cause }, now) : null;
}

/**
 * The active version was made for this drift from the same data, and the alarm is back because nothing could be accepted:
 * another run would only train the same a little longer (docs/decisions/0018).
 */
function answeredAlready(world: Observed, { cause }: Proposed): Held | null {
  const why = cause.class === "Drift" ? noTraffic(world) : null;
  const active = world.service.status.activeVersion?.name;
  const made = world.runs.find(({ status }) => status.modelVersion === active)?.spec.cause;
  if (why === null || made?.trigger !== cause.trigger || made.dataDigest !== cause.dataDigest) return null;
  const message =
    `${cause.trigger}: ${active} was made for this drift from the same data, and could not accept what came, as ${why}; ` +
    "it is tried again when that or the dataset has changed";
  return { reason: "NoTrafficData", message, until: null };
}

/** The circuit closes when the user changes the service, and when a version of a run of the class is promoted. */
function openCircuit({ service }: Observed, { cause }: Proposed): Held | null {
  const failed = service.status.failures.find((entry) => entry.class === cause.class);
  const limit = service.spec.retraining?.stopAfterFailures ?? 0;
  if (!failed || failed.count < limit || failed.generation !== service.metadata.generation) return null;
  // The circuit of runs by hand is one of its own.
  const byHand = cause.class === "Manual" ? "" : `, or use \`evenkeel retrain ${service.metadata.name}\``;
  const message =
    `${failed.count} runs in a row of class ${cause.class} failed, were rejected or rolled back: look at their reports, ` +
    `then change the service, which closes the circuit and starts what it held back${byHand}`;
  return { reason: "CircuitOpen", message, until: null };
}

/** Counted from the last run of the class. A person who starts a run by hand need not wait (36). */
function coolDown({ service }: Observed, { cause }: Proposed, now: number): Held | null {
  const { ledger } = service.status;
  const { retraining } = service.spec;
  const finished = ledger.filter((entry) => entry.class === cause.class).map(({ at }) => time(at));
  if (cause.class === "Manual" || finished.length === 0 || !retraining) return null;
  const readyAt = Math.max(...finished) + milliseconds(retraining.cooldown);
  if (now >= readyAt) return null;
  return { reason: "CoolingDown", message: `next retraining not before ${instant(readyAt)}`, until: readyAt };
}

/** A run starts only if its longest time fits into what is left (37). */
function withinBudget({ service }: Observed, run: Proposed, now: number): Held | null {
  const { retraining } = service.spec;
  if (!retraining) return null;
  const per = milliseconds(retraining.gpuHours.per);
  const spent = service.status.ledger.filter((entry) => entry.class === run.cause.class && time(entry.at) > now - per);
  const used = spent.reduce((sum, { gpuSeconds }) => sum + gpuSeconds, 0) / 3600;
  const needed = longestGpuSeconds(run) / 3600;
  if (used + needed <= retraining.gpuHours.atMost) return null;
  const message =
    `${hours(used)} of ${hours(retraining.gpuHours.atMost)} GPU hours in ${retraining.gpuHours.per} are used by runs ` +
    `of class ${run.cause.class}; a run may need ${hours(needed)}`;
  const [oldest] = spent.toSorted((a, b) => time(a.at) - time(b.at));
  return { reason: "OverBudget", message, until: oldest ? time(oldest.at) + per : null };
}

function hours(value: number): string {
  return String(Number(value.toFixed(3)));
}
