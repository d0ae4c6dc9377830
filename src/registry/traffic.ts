import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { jsonOf, type StoreUri } from "../api/index.ts";
import { type AttackWindow, isAttacked, recordedAttacks } from "./attack-record.ts";
import type { Store } from "./contract.ts";
import { type Dataset, DatasetError, readDataset, takeRows } from "./dataset.ts";
import { StoreError } from "./error.ts";
import { absentAs } from "./files.ts";
import { elements } from "./safetensors.ts";
import { unlessGone } from "./unless-gone.ts";
import { formatUri, parseUri } from "./uri.ts";

/** What a snapshot of captured traffic is: the segments that it consists of, by digest, newest first. */
const trafficSnapshot = z.object({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  samples: z.int().min(1),
  segments: z.array(z.string().regex(/^sha256:[0-9a-f]{64}$/)).min(1),
});
export type TrafficSnapshot = z.infer<typeof trafficSnapshot>;

/** The one file of a snapshot. */
export const snapshotFile = "snapshot.json";

/**
 * Where the segments of a service lie whose snapshots have this name. A snapshot gives only their digests: whoever may
 * write one can name nothing but captured traffic of the same service.
 */
export function segmentsOf(snapshots: string): string {
  return `${snapshots}/segments`;
}

export function snapshotFiles(snapshot: TrafficSnapshot): Record<string, Uint8Array> {
  return { [snapshotFile]: Buffer.from(`${JSON.stringify(snapshot, null, 2)}\n`) };
}

/** @returns null when it is none */
export function parseSnapshot(content: Uint8Array): TrafficSnapshot | null {
  return trafficSnapshot.safeParse(jsonOf(new TextDecoder().decode(content))).data ?? null;
}

/**
 * Captured traffic as one dataset: what is left of a snapshot's segments, which last as long as their TTL, without what
 * was captured while the service was attacked (decision 12). An artefact that is a dataset itself is read as it is.
 *
 * @throws {StoreError} NotFound when the snapshot or all of its segments are gone; Corrupt
 * @throws {DatasetError} Attacked when all of it was captured while an attack was on; Malformed, Empty or NotFinite
 */
export async function readTraffic(store: Store, uri: StoreUri): Promise<Dataset> {
  const folder = await store.resolve(uri);
  const content = await readFile(join(folder, snapshotFile)).catch(absentAs(null));
  if (content === null) return await readDataset(folder);
  const snapshot = parseSnapshot(content);
  if (!snapshot) throw new DatasetError("Malformed", `${uri}: ${snapshotFile} is not a snapshot of captured traffic`);
  const name = segmentsOf(parseUri(uri).name);
  const kept: Dataset[] = [];
  for (const digest of snapshot.segments) {
    // A segment's TTL may have passed.
    const segment = await unlessGone(store, formatUri({ name, digest }), readDataset);
    // A service whose inputs changed their shape: only the newest shape can be trained on.
    if (segment && (!kept[0] || kept[0].shape.join() === segment.shape.join())) kept.push(segment);
  }
  const [newest] = kept;
  if (!newest) throw new StoreError("NotFound", `${uri}: all of its samples have outlived their TTL`);
  return withoutAttacks(uri, concatenated(newest, kept), await recordedAttacks(store, parseUri(uri).name));
}

/** What is known of attacks now, not when the snapshot was made: an attack is told only after it has begun. */
function withoutAttacks(uri: StoreUri, traffic: Dataset, windows: readonly AttackWindow[]): Dataset {
  if (windows.length === 0) return traffic;
  const rows = Array.from({ length: traffic.count }, (_, row) => row).filter(
    (row) => !isAttacked(windows, traffic.times?.[row] ?? 0),
  );
  if (rows.length === 0) {
    throw new DatasetError(
      "Attacked",
      `${uri}: all of its ${traffic.count} samples were captured while an attack was on`,
    );
  }
  return rows.length === traffic.count ? traffic : takeRows(traffic, rows);
}

/** Rows of captured traffic by their time, the newest first; without times the later row is the newer. */
export function newestFirst({ times }: Dataset, rows: Int32Array): Int32Array {
  return times ? rows.toSorted((a, b) => (times[b] ?? 0) - (times[a] ?? 0) || a - b) : rows.toReversed();
}

/** Segments carry the columns of captured traffic, and no other. */
function concatenated(first: Dataset, parts: readonly Dataset[]): Dataset {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const columns = {
    shape: first.shape,
    count,
    domainNames: first.domainNames,
    source: first.source,
    sources: fill(new Uint8Array(count * 16), parts, ({ sources }) => sources),
    clients: fill(
      new Uint8Array(count * 16),
      parts,
      ({ clients, count: rows }) => clients ?? new Uint8Array(rows * 16),
    ),
    times: fill(new Float64Array(count), parts, ({ times, count: rows }) => times ?? new Float64Array(rows)),
  };
  const size = count * elements(first.shape);
  return first.modality === "Image"
    ? { ...columns, modality: "Image", inputs: fill(new Uint8Array(size), parts, ({ inputs }) => inputs) }
    : { ...columns, modality: "Vector", inputs: fill(new Float32Array(size), parts, ({ inputs }) => inputs) };
}

function fill<Numbers extends Uint8Array | Float32Array | Float64Array>(
  into: Numbers,
  parts: readonly Dataset[],
  column: (part: Dataset) => ArrayLike<number>,
): Numbers {
  let at = 0;
  for (const part of parts) {
    const numbers = column(part);
    into.set(numbers, at);
    at += numbers.length;
  }
  return into;
}
