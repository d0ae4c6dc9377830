const units = /** @type {const} */ ([
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1000, "s"],
]);

/** @param {number} ms */
export function span(ms) {
  for (const [length, unit] of units) if (ms >= length) return `${Math.floor(ms / length)}${unit}`;
  return "now";
}

/** @param {string | null} instant */
export function ago(instant) {
  if (instant === null) return "";
  const text = span(Math.max(0, Date.now() - Date.parse(instant)));
  return text === "now" ? "now" : `${text} ago`;
}

/** @param {number | null} value */
export function number(value) {
  if (value === null) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 100_000) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/**
 * A number with its unit. Of a share nobody reads more than a hundredth of a percent.
 *
 * @param {number | null} value
 * @param {string} unit
 */
export function measure(value, unit) {
  if (value === null) return number(null);
  return number(unit === "%" ? Math.round(value * 100) / 100 : value) + unit;
}

/**
 * A clock time, with the day when the range is longer than one.
 *
 * @param {number} at
 * @param {number} range ms
 */
export function clock(at, range) {
  const date = new Date(at);
  const time = date.toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    ...(range < 3_600_000 ? { second: "2-digit" } : {}),
  });
  return range > 86_400_000 ? `${date.toLocaleDateString([], { month: "short", day: "numeric" })} ${time}` : time;
}

/** @param {string} digest */
export const shortDigest = (digest) => `${digest.slice(0, 19)}…`;
