/** Digits of the facts that are sent: enough that 16 rows stay within a termination message. */
const digits = 6;

/** To six significant digits, never above the value. */
export function roundDown(value: number): number {
  const near = roundNear(value);
  return near > value ? roundNear(near - lastPlace(value)) : near;
}

/** To six significant digits, never below the value. */
export function roundUp(value: number): number {
  return -roundDown(-value);
}

export function roundNear(value: number): number {
  return Number(value.toPrecision(digits));
}

function lastPlace(value: number): number {
  return 10 ** (Math.floor(Math.log10(Math.abs(value))) + 1 - digits);
}
