import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  /** How long to try, default 90 s: patience for busy machines, never a claim about speed. */
  readonly withinMs?: number;
  /** Pause between two tries, default 50 ms. */
  readonly everyMs?: number;
  /** Ends the wait early, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Waits until `probe` gives something other than null, undefined or false, and returns that.
 *
 * @throws after the time is up, with `what` and the last error that the probe threw
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  { withinMs = 90_000, everyMs = 50, signal }: WaitOptions = {},
): Promise<T> {
  const deadline = Date.now() + withinMs;
  let problem: unknown;
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    try {
      const value = await probe();
      if (value !== null && value !== undefined && value !== false) return value;
    } catch (error) {
      problem = error;
    }
    await sleep(everyMs);
  }
  throw new Error(`waited ${withinMs / 1000} s in vain for ${what}`, { cause: problem });
}
