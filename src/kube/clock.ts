/** Time as the runtime sees it; tests give their own. */
export interface Clock {
  /** Wall-clock time in ms since the epoch. */
  now(): number;
  /** Milliseconds that never go backwards, for durations. */
  monotonic(): number;
  /** Calls `callback` once after `ms`; the returned function cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** setTimeout fires at once beyond this. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(ms, 0), longestTimer));
    return () => clearTimeout(timer);
  },
};

/** Waits; rejects with the signal's reason when it is aborted. */
export function sleep(ms: number, signal?: AbortSignal, clock: Clock = systemClock): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Waits for the abort. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves both clocks, running what falls due in order. */
  advance(ms: number): void;
  /** Moves the wall clock alone, as an administrator or NTP does. */
  step(ms: number): void;
  /** Timers that have not fired. */
  readonly pending: number;
}

export function manualClock(start = 0): ManualClock {
  let wall = start;
  let elapsed = 0;
  let nextId = 0;
  const timers = new Map<number, { at: number; callback: () => void }>();
  const due = (until: number) => {
    let first: [number, { at: number; callback: () => void }] | undefined;
    for (const entry of timers) if (entry[1].at <= until && (!first || entry[1].at < first[1].at)) first = entry;
    return first;
  };
  return {
    now: () => wall,
    monotonic: () => elapsed,
    after(ms, callback) {
      const id = nextId++;
      timers.set(id, { at: elapsed + Math.max(ms, 0), callback });
      return () => void timers.delete(id);
    },
    advance(ms) {
      const until = elapsed + ms;
      for (let timer = due(until); timer; timer = due(until)) {
        const [id, { at, callback }] = timer;
        timers.delete(id);
        wall += at - elapsed;
        elapsed = at;
        callback();
      }
      wall += until - elapsed;
      elapsed = until;
    },
    step: (ms) => {
      wall += ms;
    },
    get pending() {
      return timers.size;
    },
  };
}
