import { milliseconds, type SignalStatus, type Trigger } from "../../api/index.ts";
import { advanceHold, alarmQuery, type Hold, hasHeld, type Scope, type Verdict } from "../../signals/index.ts";
import { instant, time } from "../instant.ts";
import type { SignalState } from "./world.ts";

/** A trigger's state after one more verdict. What it holds is stored in the status, so that a restart goes on from it. */
export function advanceSignal(
  before: SignalStatus | undefined,
  trigger: Trigger,
  verdict: Verdict,
  maxGap: number,
  scope: Scope,
): SignalState {
  const held = heldBefore(before, trigger);
  const hold = advanceHold(holdOf(before), verdict, "Fail", maxGap);
  const holds = hasHeld(hold, milliseconds(trigger.for));
  const sameVerdict = before?.verdict === verdict.kind;
  const status: SignalStatus = {
    name: trigger.name,
    verdict: verdict.kind,
    value: finite(verdict.value),
    threshold: finite(verdict.threshold),
    since: sameVerdict ? (before.since ?? instant(verdict.at)) : instant(verdict.at),
    ...(hold.onset === null ? {} : { failingSince: instant(hold.onset) }),
    failingFor: hold.seconds,
    evaluatedAt: instant(hold.onset === null ? verdict.at : hold.countedTo),
    // Built-in alarms are numbered by the monitor, the user's own queries here: each time one has newly held.
    alarm: verdict.alarm ?? (before?.alarm ?? 0) + (trigger.promql !== undefined && holds && !held ? 1 : 0),
    message: verdict.message.slice(0, 256),
    reason: verdict.reason,
    model: scope.model,
  };
  return stateOf(status, trigger, scope);
}

/** A trigger's state as it was when it was last evaluated. */
export function stateOf(status: SignalStatus, trigger: Trigger, scope: Scope): SignalState {
  return {
    trigger,
    status,
    held: status.verdict === "Fail" && heldBefore(status, trigger),
    learning: status.reason === "Learning",
    query: trigger.signal === undefined ? (trigger.promql ?? "") : alarmQuery(trigger.signal, scope),
  };
}

function heldBefore(status: SignalStatus | undefined, trigger: Trigger): boolean {
  return hasHeld(holdOf(status), milliseconds(trigger.for));
}

function holdOf(status: SignalStatus | undefined): Hold {
  const onset = status?.failingSince === undefined ? null : time(status.failingSince);
  const countedTo = status?.evaluatedAt === undefined ? 0 : time(status.evaluatedAt);
  return { onset, seconds: status?.failingFor ?? 0, countedTo, holding: status?.verdict === "Fail" && onset !== null };
}

/** JSON has neither NaN nor infinity. */
function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
