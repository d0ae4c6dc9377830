import { milliseconds, type SignalStatus, type Trigger } from "../../api/index.ts";
import { advanceHold, alarmQuery, type Hold, hasHeld, type Scope, type Verdict } from "../../signals/index.ts";
import { digestOf, short } from "../identity.ts";
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
  const asked = askedBy(trigger);
  const same = before?.asked === asked ? before : undefined;
  const hold = advanceHold(holdOf(same), verdict, "Fail", maxGap);
  const held = hasHeld(hold, milliseconds(trigger.for));
  // As it was saved: by another `for` it would have held earlier, and the alarm would have the number of the one before.
  const newly = held && !same?.held;
  const status: SignalStatus = {
    name: trigger.name,
    verdict: verdict.kind,
    value: finite(verdict.value),
    threshold: finite(verdict.threshold),
    since: (same?.verdict === verdict.kind ? same.since : undefined) ?? instant(verdict.at),
    ...(hold.onset === null ? {} : { failingSince: instant(hold.onset) }),
    failingFor: hold.seconds,
    held,
    evaluatedAt: instant(hold.onset === null ? verdict.at : hold.countedTo),
    // Built-in alarms are numbered by the monitor, the user's own queries here: each time one has newly held. Another query
    // numbers on, so that none of its alarms is taken for one before.
    alarm: verdict.alarm ?? (before?.alarm ?? 0) + (trigger.promql !== undefined && newly ? 1 : 0),
    asked,
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
    held: status.verdict === "Fail" && status.held,
    learning: status.reason === "Learning",
    query: trigger.signal === undefined ? (trigger.promql ?? "") : alarmQuery(trigger.signal, scope),
  };
}

function askedBy({ signal, promql, above, below }: Trigger): string {
  return short(digestOf({ signal, promql, above, below }), 12);
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
