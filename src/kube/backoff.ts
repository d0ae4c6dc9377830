export interface BackoffOptions {
  /** First delay in ms. */
  baseMs: number;
  /** Longest delay in ms. */
  maxMs: number;
  /** In [0, 1): each delay is spread over this share of itself, downwards, so that many clients do not return at once. */
  jitter: number;
  random?: () => number;
}

/** Delay before try `failures + 1`: base · 2^(failures − 1), capped, less its jitter; 0 without failures. */
export function backoffDelay(
  failures: number,
  { baseMs, maxMs, jitter, random = Math.random }: BackoffOptions,
): number {
  if (failures <= 0) return 0;
  const delay = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 52));
  return delay * (1 - jitter * random());
}
