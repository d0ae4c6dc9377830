/**
 * An alarm that latches: it stays active until it is released. Its number is persisted and only grows, so that a cause
 * has one name whatever restarts in between (decision 8).
 */
export type Alarm = { readonly number: number; readonly active: boolean };

export const noAlarm: Alarm = { number: 0, active: false };

/** @returns an active alarm; a new number only when it was not active */
export function raise(alarm: Alarm): Alarm {
  return alarm.active ? alarm : { number: alarm.number + 1, active: true };
}

/** @returns the alarm at rest under its number */
export function release(alarm: Alarm): Alarm {
  return alarm.active ? { ...alarm, active: false } : alarm;
}

/**
 * Alarm of RepresentationDrift and ShiftFromBaseline: raised when the evidence crosses the threshold, released when the
 * detector has gone once through its whole reference without crossing. A shift that lasts would have crossed again.
 */
export function driftAlarm(alarm: Alarm, step: { crossed: boolean; usedUp: boolean }): Alarm {
  if (step.crossed) return raise(alarm);
  return step.usedUp ? release(alarm) : alarm;
}

/** Alarm of ModelChanged: active while some pod's probes do not match. Without compared pods it stays as it is. */
export function modelAlarm(alarm: Alarm, pods: { compared: number; mismatched: number }): Alarm {
  if (pods.mismatched > 0) return raise(alarm);
  return pods.compared > 0 ? release(alarm) : alarm;
}
