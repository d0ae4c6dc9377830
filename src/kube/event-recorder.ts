import type { EventsV1Event } from "@kubernetes/client-node";
import type { Wire } from "./builtin.ts";
import type { Kube } from "./client.ts";
import { type Clock, systemClock } from "./clock.ts";
import { isKubeError, KubeError } from "./error.ts";
import type { KubeObject, ObjectMeta, Stored } from "./object.ts";
import { type Resource, resource } from "./resource.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What happened to an object, for people. */
export interface Occurrence {
  readonly regarding: Stored<KubeObject>;
  readonly type: "Normal" | "Warning";
  /** Why: CamelCase, a few words at most. */
  readonly reason: string;
  /** What was done or failed: CamelCase; default the reason. */
  readonly action?: string;
  readonly note: string;
}

export interface EventRecorderOptions {
  kube: Kube;
  /** `example.com/my-controller` */
  controller: string;
  /** Which of its replicas. */
  instance: string;
  /** Repeats within this make one series; default 6 min, as in client-go. */
  seriesMs?: number;
  /** A series is written at most this often; default 10 s. */
  flushMs?: number;
  /** Events about one object: so many at once (default 25), then one in 5 min. */
  burst?: number;
  onFault?: (error: KubeError) => void;
  onDropped?: (occurrence: Occurrence) => void;
  clock?: Clock;
}

type EventObject = KubeObject & Omit<Wire<EventsV1Event>, keyof KubeObject>;

const eventObjects: Resource<EventObject> = resource<EventObject>({
  group: "events.k8s.io",
  version: "v1",
  plural: "events",
  kind: "Event",
  namespaced: true,
});

/** The API's limit on a note, in bytes. */
const noteBytes = 1024;
/** Objects and series remembered; beyond it the oldest are forgotten. */
const remembered = 4096;

interface Series {
  readonly metadata: ObjectMeta;
  count: number;
  lastAt: number;
  written: Promise<void>;
  dirty: boolean;
  cancelFlush: (() => void) | null;
}

/**
 * Writes events.k8s.io/v1 Events. The same event again within minutes counts up the series of the first instead of
 * making another. Recording never fails and never waits: events are for people, and no decision may hang on them.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  record(occurrence: Occurrence): void {
    const { seriesMs = 360_000 } = this.#options;
    const { regarding, type, reason, action = reason, note } = occurrence;
    const id = [regarding.metadata.uid, type, reason, action, note].join("\0");
    const now = this.#clock.now();
    const series = this.#series.get(id);
    if (series && now - series.lastAt < seriesMs) {
      series.count += 1;
      series.lastAt = now;
      this.#scheduleFlush(series);
      return;
    }
    if (!this.#allowed(regarding.metadata.uid)) {
      this.#options.onDropped?.(occurrence);
      return;
    }
    const namespace = regarding.metadata.namespace ?? "default";
    // A name of its own in time, as client-go's: an event is never updated under another's name.
    const suffix = `${now.toString(16)}${Math.floor(Math.random() * 2 ** 24)
      .toString(16)
      .padStart(6, "0")}`;
    const metadata = { namespace, name: `${regarding.metadata.name.slice(0, 220)}.${suffix}` };
    this.#series.delete(id);
    this.#series.set(id, {
      metadata,
      count: 1,
      lastAt: now,
      written: this.#create(metadata, occurrence, now),
      dirty: false,
      cancelFlush: null,
    });
    forgetOldest(this.#series);
  }

  /** Resolves when everything recorded so far is written, or given up. */
  async flush(): Promise<void> {
    await Promise.all(
      [...this.#series.values()].map(async (series) => {
        await series.written;
        series.cancelFlush?.();
        series.cancelFlush = null;
        if (series.dirty) await this.#writeSeries(series);
      }),
    );
  }

  async #create(
    metadata: ObjectMeta,
    { regarding, type, reason, action, note }: Occurrence,
    now: number,
  ): Promise<void> {
    const { kube, controller, instance } = this.#options;
    const event = {
      metadata,
      eventTime: microTime(now),
      reportingController: controller,
      reportingInstance: instance,
      type,
      reason,
      action: action ?? reason,
      note: shortened(note),
      regarding: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        name: regarding.metadata.name,
        uid: regarding.metadata.uid,
        resourceVersion: regarding.metadata.resourceVersion,
        ...(regarding.metadata.namespace ? { namespace: regarding.metadata.namespace } : {}),
      },
    };
    await this.#quietly(() => kube.create(eventObjects, event));
  }

  #scheduleFlush(series: Series): void {
    series.dirty = true;
    series.cancelFlush ??= this.#clock.after(this.#options.flushMs ?? 10_000, () => {
      series.cancelFlush = null;
      series.written = series.written.then(() => this.#writeSeries(series));
    });
  }

  async #writeSeries(series: Series): Promise<void> {
    series.dirty = false;
    const patch = { series: { count: series.count, lastObservedTime: microTime(series.lastAt) } };
    await this.#quietly(() => this.#options.kube.mergePatch(eventObjects, series.metadata, patch));
  }

  async #quietly(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#options.onFault?.(isKubeError(error) ? error : new KubeError("Other", String(error), { cause: error }));
    }
  }

  #allowed(uid: string): boolean {
    let bucket = this.#buckets.get(uid);
    if (!bucket) {
      bucket = new TokenBucket({ perSecond: 1 / 300, burst: this.#options.burst ?? 25, clock: this.#clock });
      this.#buckets.set(uid, bucket);
      forgetOldest(this.#buckets);
    }
    return bucket.tryTake();
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  if (map.size <= remembered) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}

function shortened(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= noteBytes) return note;
  // A character cut in two at the end becomes U+FFFD, which is taken away.
  return `${bytes
    .subarray(0, noteBytes - 3)
    .toString("utf8")
    .replace(/\uFFFD$/, "")}…`;
}
