import { z } from "zod";
import { type StoreUri, snapshotsName, storeUri } from "../api/index.ts";
import {
  parseSnapshot,
  parseUri,
  type Store,
  snapshotFile,
  snapshotFiles,
  type TrafficSnapshot,
} from "../registry/index.ts";
import { captureFile, segmentsName } from "./capture.ts";
import type { Snapshot } from "./fleet-state.ts";

const description = z.object({ from: z.iso.datetime(), to: z.iso.datetime(), samples: z.int().min(1) });

export type SnapshotTakerOptions = {
  readonly store: Store;
  readonly namespace: string;
  readonly service: string;
  /** Samples after which a snapshot takes in no further segment. */
  readonly most: number;
};

/** What a gateway that was killed left half written or half deleted is kept so long, when the TTL is longer. */
const mostLeftMs = 3_600_000;
/** What has been written to within a minute may be in use, however short the TTL. */
const leastLeftMs = 60_000;

/** Part of its samples in which a snapshot differs at least from the one before. */
const leastChange = 1 / 50;

/**
 * Names the newest captured traffic in snapshots, and deletes what has outlived its TTL.
 *
 * A snapshot is a list of segments. A run may begin at any time and take hours, an accepted reference is asked for again
 * by later runs, and the gateway may see neither: so each snapshot is kept as long as anything in it, and it is the segments'
 * TTL that deletes data. The space is bounded all the same. As each snapshot has a fiftieth of other samples than the one
 * before, a segment is named in about fifty while samples come and go, and as often again while the first ones gather: at
 * most 150 names of 80 bytes for each segment that is kept, mostly far fewer, as there is no more than one snapshot in
 * 15 s. A fiftieth is little enough for a run to be shown the shift that it is made for.
 */
export class SnapshotTaker {
  readonly #options: SnapshotTakerOptions;
  /** Artefacts do not change: each is looked into once. */
  #known = new Map<StoreUri, Artefact>();

  constructor(options: SnapshotTakerOptions) {
    this.#options = options;
  }

  /** @returns the one before when there is hardly anything new; null when there is no sample */
  async take(ttlMs: number, before: Snapshot, now: number): Promise<Snapshot> {
    const { store, namespace, service, most } = this.#options;
    const name = snapshotsName(namespace, service);
    const leftSince = now - Math.max(leastLeftMs, Math.min(mostLeftMs, ttlMs));
    for (const swept of [name, segmentsName(namespace, service)]) await store.sweep(swept, leftSince);
    const segments = await this.#unexpired(segmentsName(namespace, service), captureFile, now - ttlMs);
    const snapshots = await this.#unexpired(name, snapshotFile, now - ttlMs);
    this.#known = new Map([...segments, ...snapshots].map((artefact) => [artefact.uri, artefact]));
    const chosen = newestOf(segments, most);
    if (chosen.length === 0) return null;
    const last = before && (await this.#read(before.uri));
    if (last && !differsEnough(last, chosen)) return before;
    const next = snapshotOf(chosen);
    const { samples, from, to } = next;
    return { uri: await store.putFiles(name, snapshotFiles(next)), samples, from, to };
  }

  async #read(uri: string): Promise<TrafficSnapshot | null> {
    const parsed = storeUri.safeParse(uri).data;
    const content = parsed && (await this.#options.store.peek(parsed, snapshotFile));
    return content ? parseSnapshot(content) : null;
  }

  /**
   * What does not say how old it is goes as well: captured inputs are never kept beyond their TTL.
   *
   * @returns artefacts of a name whose newest sample is not older than `since`, newest first; older ones are deleted
   */
  async #unexpired(name: string, file: string, since: number): Promise<Artefact[]> {
    const { store } = this.#options;
    const kept: Artefact[] = [];
    for (const uri of await store.list(name)) {
      const artefact = this.#known.get(uri) ?? describeArtefact(uri, await store.peek(uri, file));
      if (artefact && Date.parse(artefact.to) >= since) kept.push(artefact);
      else await store.remove(uri);
    }
    return kept.sort((a, b) => Date.parse(b.to) - Date.parse(a.to) || (a.uri < b.uri ? -1 : 1));
  }
}

type Artefact = z.infer<typeof description> & { readonly uri: StoreUri };

function describeArtefact(uri: StoreUri, content: Uint8Array | null): Artefact | null {
  if (!content) return null;
  try {
    return { uri, ...description.parse(JSON.parse(new TextDecoder().decode(content))) };
  } catch {
    return null;
  }
}

function newestOf(segments: readonly Artefact[], most: number): Artefact[] {
  const chosen: Artefact[] = [];
  let samples = 0;
  for (const segment of segments) {
    if (samples >= most) break;
    chosen.push(segment);
    samples += segment.samples;
  }
  return chosen;
}

function snapshotOf(segments: readonly Artefact[]): TrafficSnapshot {
  const ascending = (times: readonly string[]): number[] => times.map((time) => Date.parse(time)).sort((a, b) => a - b);
  const [from = 0] = ascending(segments.map((segment) => segment.from));
  const to = ascending(segments.map((segment) => segment.to)).at(-1) ?? 0;
  return {
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    samples: segments.reduce((sum, { samples }) => sum + samples, 0),
    segments: segments.map(({ uri }) => parseUri(uri).digest),
  };
}

/** Whether enough samples have come, or enough have gone. */
export function differsEnough(
  before: TrafficSnapshot,
  segments: readonly { readonly uri: StoreUri; readonly samples: number }[],
): boolean {
  const named = new Set(before.segments);
  let kept = 0;
  let added = 0;
  for (const { uri, samples } of segments) {
    if (named.has(parseUri(uri).digest)) kept += samples;
    else added += samples;
  }
  return Math.max(added, before.samples - kept) >= before.samples * leastChange;
}
