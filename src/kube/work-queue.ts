import { type BackoffOptions, backoffDelay } from "./backoff.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { TokenBucket } from "./token-bucket.ts";

export interface WorkQueueHooks {
  /** Keys that wait, after it changed. */
  depth?(keys: number): void;
  /** Milliseconds a key waited from when it was due. */
  waited?(ms: number): void;
  /** Milliseconds its work took. */
  worked?(ms: number): void;
  retried?(key: string, failures: number): void;
}

export interface WorkQueueOptions {
  /** Per key; default 200 ms doubling to 5 min, half of it jitter. */
  backoff?: BackoffOptions;
  /** Limits retries over all keys, so that a common cause of failure does not become a storm. */
  retryBucket?: TokenBucket;
  hooks?: WorkQueueHooks;
  clock?: Clock;
}

const defaultBackoff: BackoffOptions = { baseMs: 200, maxMs: 300_000, jitter: 0.5 };

/**
 * Keys to work on, first come first served.
 *
 * A key waits at most once and is never worked on twice at the same time; added while it is being worked on, it waits
 * again as soon as that is done, behind those who came before.
 */
export class WorkQueue {
  readonly #backoff: BackoffOptions;
  readonly #retryBucket: TokenBucket | undefined;
  readonly #hooks: WorkQueueHooks;
  readonly #clock: Clock;
  /** Waiting keys in their order, with when they became due. */
  readonly #waiting = new Map<string, number>();
  readonly #working = new Map<string, number>();
  /** Added again while worked on, with when. */
  readonly #again = new Map<string, number>();
  readonly #delayed = new Map<string, { at: number; cancel: () => void }>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | null) => void)[] = [];
  readonly #idle = new Set<() => void>();
  #closed = false;

  constructor({ backoff = defaultBackoff, retryBucket, hooks = {}, clock = systemClock }: WorkQueueOptions = {}) {
    this.#backoff = backoff;
    this.#retryBucket = retryBucket;
    this.#hooks = hooks;
    this.#clock = clock;
  }

  /** Keys that wait and are due. */
  get depth(): number {
    return this.#waiting.size;
  }

  get working(): ReadonlySet<string> {
    return new Set(this.#working.keys());
  }

  /** Milliseconds that the longest work has been going on; 0 when there is none. */
  longestWork(): number {
    const now = this.#clock.monotonic();
    return Math.max(0, ...[...this.#working.values()].map((since) => now - since));
  }

  add(key: string): void {
    if (this.#closed) return;
    const now = this.#clock.monotonic();
    if (this.#working.has(key)) {
      if (!this.#again.has(key)) this.#again.set(key, now);
      return;
    }
    if (this.#waiting.has(key)) return;
    this.#waiting.set(key, now);
    this.#hooks.depth?.(this.#waiting.size);
    this.#hand();
  }

  /** Adds it later; of several times the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.monotonic() + ms;
    const before = this.#delayed.get(key);
    if (before && before.at <= at) return;
    before?.cancel();
    const cancel = this.#clock.after(ms, () => {
      this.#delayed.delete(key);
      // setTimeout cannot wait longer than 25 days.
      this.addAfter(key, at - this.#clock.monotonic());
    });
    this.#delayed.set(key, { at, cancel });
  }

  /** Adds it after its backoff, which grows until `forget`, and not before `atLeastMs`. */
  retry(key: string, atLeastMs = 0): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#hooks.retried?.(key, failures);
    this.addAfter(key, Math.max(atLeastMs, backoffDelay(failures, this.#backoff), this.#retryBucket?.reserve() ?? 0));
  }

  /** It went well: its next failure is its first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, which is the caller's until `done`; null once the queue is shut down and empty. */
  next(): Promise<string | null> {
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#hand();
    });
  }

  done(key: string): void {
    const since = this.#working.get(key);
    if (since === undefined) throw new Error(`"${key}" is not being worked on`);
    this.#working.delete(key);
    this.#hooks.worked?.(this.#clock.monotonic() - since);
    const again = this.#again.get(key);
    if (again !== undefined) {
      this.#again.delete(key);
      this.#waiting.set(key, again);
      this.#hooks.depth?.(this.#waiting.size);
    }
    this.#hand();
  }

  /** Takes no more, forgets what waits, and resolves when the work that is under way is done. */
  shutdown(): Promise<void> {
    this.#closed = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#waiting.clear();
    this.#again.clear();
    this.#hooks.depth?.(0);
    return new Promise((resolve) => {
      this.#idle.add(resolve);
      this.#hand();
    });
  }

  #hand(): void {
    while (this.#takers.length > 0 && this.#waiting.size > 0) {
      const [first] = this.#waiting;
      const take = this.#takers.shift();
      if (!first || !take) break;
      const [key, dueAt] = first;
      this.#waiting.delete(key);
      const now = this.#clock.monotonic();
      this.#working.set(key, now);
      this.#hooks.depth?.(this.#waiting.size);
      this.#hooks.waited?.(now - dueAt);
      take(key);
    }
    if (!this.#closed) return;
    for (const take of this.#takers.splice(0)) take(null);
    if (this.#working.size > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }
}
