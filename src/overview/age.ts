const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1000, "s"],
] as const;

/** A length of time in its largest whole unit, as kubectl shows it: 90 s is 1m. */
export function span(ms: number): string {
  for (const [length, unit] of units) if (ms >= length) return `${Math.floor(ms / length)}${unit}`;
  return "0s";
}

/** How long ago an instant was; "" when there is none. */
export function age(instant: string | undefined, now: number): string {
  return instant === undefined ? "" : span(Math.max(0, now - Date.parse(instant)));
}
