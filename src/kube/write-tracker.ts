import { type Clock, systemClock } from "./clock.ts";
import type { Informer } from "./informer.ts";
import { formatKey, type Key, type KubeObject, keyOf, type Stored } from "./object.ts";

/** On a server whose versions cannot be compared, a write counts as seen after this. */
const incomparableMs = 2_000;

/** Of an informer, what the tracker asks. */
type Cache = Pick<Informer<KubeObject>, "hasSeen" | "get">;

/**
 * Read your writes: remembers what a reconcile of a key wrote until the caches have seen it, so that the next one does
 * not decide on a world that its own writes have already changed.
 *
 * argo-rollouts#4786 is what happens without.
 */
export class WriteTracker {
  readonly #clock: Clock;
  readonly #giveUpMs: number;
  readonly #unseen = new Map<string, { seen: () => boolean; at: number }[]>();

  /** @param giveUpMs  a write that no cache has shown by then (its object left the selector) counts as seen; default 5 min */
  constructor({ giveUpMs = 300_000, clock = systemClock }: { giveUpMs?: number; clock?: Clock } = {}) {
    this.#giveUpMs = giveUpMs;
    this.#clock = clock;
  }

  /** After a create, replace, apply or patch: `object` is what the server answered. */
  wrote(key: Key, informer: Cache, object: Stored<KubeObject>): void {
    const target = keyOf(object);
    const { resourceVersion } = object.metadata;
    const at = this.#clock.monotonic();
    this.#expect(key, () => {
      const seen = informer.hasSeen(target, resourceVersion);
      return seen ?? this.#clock.monotonic() - at >= incomparableMs;
    });
  }

  /** After a delete. */
  deleted(key: Key, informer: Cache, target: Key, uid: string): void {
    this.#expect(key, () => {
      const metadata = informer.get(target)?.metadata;
      return metadata?.uid !== uid || metadata.deletionTimestamp !== undefined;
    });
  }

  /** Whether the caches show every write made for this key. */
  settled(key: Key): boolean {
    const id = formatKey(key);
    const oldest = this.#clock.monotonic() - this.#giveUpMs;
    const unseen = (this.#unseen.get(id) ?? []).filter(({ seen, at }) => at > oldest && !seen());
    if (unseen.length > 0) this.#unseen.set(id, unseen);
    else this.#unseen.delete(id);
    return unseen.length === 0;
  }

  #expect(key: Key, seen: () => boolean): void {
    const id = formatKey(key);
    const entry = { seen, at: this.#clock.monotonic() };
    const entries = this.#unseen.get(id);
    if (entries) entries.push(entry);
    else this.#unseen.set(id, [entry]);
  }
}
