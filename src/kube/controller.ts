import { type Clock, systemClock } from "./clock.ts";
import { isKubeError, KubeError } from "./error.ts";
import type { Informer } from "./informer.ts";
import { formatKey, type Key, type KubeObject, parseKey, type Stored } from "./object.ts";
import type { Change } from "./store.ts";
import { WorkQueue, type WorkQueueOptions } from "./work-queue.ts";
import type { WriteTracker } from "./write-tracker.ts";

/** How a reconcile ended: come back after some time, or when something changes. */
export interface Requeue {
  readonly after?: number | undefined;
  /**
   * It said what somebody has to put right, and no event will tell that it is: come back with growing pauses, but after
   * `after` at the latest.
   */
  readonly backoff?: boolean;
}

export const done: Requeue = {};

/** How one reconcile went, for metrics and logs. */
export type Outcome =
  | { readonly kind: "Done"; readonly requeueAfter: number | null }
  /** Its caches are behind its own writes: it waited and did nothing. */
  | { readonly kind: "Behind" }
  /** Nothing failed, but it waits for somebody. */
  | { readonly kind: "Stalled"; readonly requeueAfter: number | null }
  | { readonly kind: "Retry"; readonly error: Error; readonly failures: number }
  /** A fault in the program rather than in its world; retried all the same. */
  | { readonly kind: "Panic"; readonly error: Error; readonly failures: number }
  | { readonly kind: "Aborted" };

/** What makes keys wait. */
export interface Source {
  /** Starts telling; returns how to stop. */
  readonly start: (enqueue: (key: Key) => void) => () => void;
  readonly synced: () => boolean;
}

export interface ControllerOptions {
  readonly name: string;
  /**
   * Brings one object to its desired state. Must give up when `signal` is aborted. What it throws is retried with backoff.
   */
  readonly reconcile: (key: Key, signal: AbortSignal) => Promise<Requeue>;
  readonly sources: readonly Source[];
  /** Keys worked on at once; default 4. */
  readonly concurrency?: number;
  /** After this the signal of a reconcile is aborted; default 60 s. */
  readonly deadlineMs?: number;
  /** Keys with unseen writes are not reconciled before the caches have them. */
  readonly writes?: Pick<WriteTracker, "settled">;
  readonly queue?: WorkQueueOptions;
  readonly onOutcome?: (key: Key, outcome: Outcome, ms: number) => void;
  readonly clock?: Clock;
}

/** Reconciles keys from its sources, several at once, never one twice at once. */
export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #deadlineMs: number;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.name = options.name;
    this.#clock = options.clock ?? systemClock;
    this.#deadlineMs = options.deadlineMs ?? 60_000;
    this.queue = new WorkQueue({ clock: this.#clock, ...options.queue });
  }

  synced(): boolean {
    return this.#options.sources.every((source) => source.synced());
  }

  /** A reconcile that does not heed its deadline blocks its key for ever: the process should be restarted. */
  live(): boolean {
    return this.queue.longestWork() < 2 * this.#deadlineMs + 10_000;
  }

  /** Works until `signal` is aborted; resolves when the work that was under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { sources, concurrency = 4 } = this.#options;
    if (signal.aborted) return;
    const stops = sources.map((source) => source.start((key) => this.queue.add(formatKey(key))));
    const workers = Array.from({ length: concurrency }, () => this.#work(signal));
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    for (const stop of stops) stop();
    await this.queue.shutdown();
    await Promise.all(workers);
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let id = await this.queue.next(); id !== null; id = await this.queue.next()) {
      const startedAt = this.#clock.monotonic();
      const key = parseKey(id);
      const outcome = await this.#reconcileOnce(id, key, signal);
      this.#requeue(id, outcome);
      this.queue.done(id);
      this.#options.onOutcome?.(key, outcome, this.#clock.monotonic() - startedAt);
    }
  }

  async #reconcileOnce(id: string, key: Key, signal: AbortSignal): Promise<Outcome> {
    if (this.#options.writes?.settled(key) === false) return { kind: "Behind" };
    const controller = new AbortController();
    const stop = () => controller.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const cancel = this.#clock.after(this.#deadlineMs, () =>
      controller.abort(new KubeError("Timeout", `${this.name} ${id}: not reconciled within ${this.#deadlineMs} ms`)),
    );
    try {
      const { after = null, backoff = false } = await this.#options.reconcile(key, controller.signal);
      return { kind: backoff ? "Stalled" : "Done", requeueAfter: after };
    } catch (thrown) {
      if (signal.aborted) return { kind: "Aborted" };
      return this.#judge(id, thrown);
    } finally {
      cancel();
      signal.removeEventListener("abort", stop);
    }
  }

  #judge(id: string, thrown: unknown): Outcome {
    const error = thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`);
    const failures = this.queue.failures(id) + 1;
    if (!(thrown instanceof Error) || isProgramFault(error)) return { kind: "Panic", error, failures };
    return { kind: "Retry", error, failures };
  }

  #requeue(id: string, outcome: Outcome): void {
    switch (outcome.kind) {
      case "Done":
        this.queue.forget(id);
        if (outcome.requeueAfter !== null) this.queue.addAfter(id, outcome.requeueAfter);
        break;
      case "Behind":
        this.queue.addAfter(id, behindMs);
        break;
      case "Stalled":
        // Of both the earlier counts.
        if (outcome.requeueAfter !== null) this.queue.addAfter(id, outcome.requeueAfter);
        this.queue.retry(id);
        break;
      case "Retry":
      case "Panic":
        // The server said when to come back: sooner is of no use.
        this.queue.retry(id, isKubeError(outcome.error) ? (outcome.error.retryAfter ?? 0) : 0);
        break;
      case "Aborted":
        break;
    }
  }
}

/** A watch usually tells within this. */
const behindMs = 20;

function isProgramFault(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

export interface SourceOptions {
  /** All keys are added again this often, against whatever no event tells. */
  readonly resyncMs?: number;
  readonly clock?: Clock;
}

/** Keys that a mapping gives for each object that changed, for its old and its new state. */
export function mapped<T extends KubeObject>(
  informer: Informer<T>,
  map: (object: Stored<T>, change: Change<T>) => Iterable<Key>,
  { resyncMs, clock = systemClock }: SourceOptions = {},
): Source {
  return {
    synced: () => informer.synced(),
    start: (enqueue) => {
      const stop = informer.on((change) => {
        if (change.type !== "Added") for (const key of map(change.old, change)) enqueue(key);
        if (change.type !== "Deleted") for (const key of map(change.object, change)) enqueue(key);
      });
      let cancel = () => {};
      const resync = (ms: number) => {
        cancel = clock.after(ms, () => {
          for (const object of informer.list()) {
            for (const key of map(object, { type: "Added", key: keyFor(object), object })) enqueue(key);
          }
          resync(ms);
        });
      };
      if (resyncMs !== undefined) resync(resyncMs);
      return () => {
        stop();
        cancel();
      };
    },
  };
}

/** The objects themselves. */
export function each<T extends KubeObject>(informer: Informer<T>, options?: SourceOptions): Source {
  return mapped(informer, (object) => [keyFor(object)], options);
}

/** The owners of that kind of the objects. */
export function ownersOf<T extends KubeObject>(
  informer: Informer<T>,
  owner: { readonly apiVersion: string; readonly kind: string; readonly namespaced: boolean },
  options?: SourceOptions,
): Source {
  const group = (apiVersion: string) => apiVersion.slice(0, apiVersion.indexOf("/") + 1);
  return mapped(
    informer,
    ({ metadata }) =>
      (metadata.ownerReferences ?? [])
        .filter(({ kind, apiVersion }) => kind === owner.kind && group(apiVersion) === group(owner.apiVersion))
        .map(({ name }) => ({ name, namespace: owner.namespaced ? metadata.namespace : undefined })),
    options,
  );
}

function keyFor({ metadata: { namespace, name } }: KubeObject): Key {
  return namespace ? { namespace, name } : { name };
}
