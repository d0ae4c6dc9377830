import { type Clock, systemClock } from "./clock.ts";

export interface TokenBucketOptions {
  /** Tokens that come back in a second. */
  perSecond: number;
  /** Tokens that can be saved up. */
  burst: number;
  clock?: Clock;
}

/** Limits a rate: up to `burst` at once, then `perSecond`; those who wait are served in their order. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;
  readonly #waiting = new Set<() => void>();
  #cancelTimer: (() => void) | null = null;

  constructor({ perSecond, burst, clock = systemClock }: TokenBucketOptions) {
    if (!(perSecond > 0) || !(burst >= 1)) throw new RangeError("perSecond must be above 0 and burst at least 1");
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#clock = clock;
    this.#tokens = burst;
    this.#at = clock.monotonic();
  }

  /** Takes a token if there is one and nobody waits. */
  tryTake(): boolean {
    this.#refill();
    if (this.#waiting.size > 0 || this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes a token, waiting for it; rejects with the signal's reason. */
  take(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.tryTake()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(grant);
        reject(signal?.reason);
      };
      const grant = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(grant);
      this.#arm();
    });
  }

  /** Takes a token now, or on account: milliseconds after which it may be used. */
  reserve(): number {
    this.#refill();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
  }

  #arm(): void {
    if (this.#cancelTimer || this.#waiting.size === 0) return;
    // Rounded up: a timer that fires a hair early would find no token and spin.
    const ms = Math.ceil((1 - this.#tokens) / this.#perMs);
    this.#cancelTimer = this.#clock.after(ms, () => {
      this.#cancelTimer = null;
      this.#refill();
      for (const grant of this.#waiting) {
        if (this.#tokens < 1) break;
        this.#tokens -= 1;
        this.#waiting.delete(grant);
        grant();
      }
      this.#arm();
    });
  }
}
