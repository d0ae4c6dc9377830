import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type StoreUri, storeUri } from "../api/index.ts";
import { type Dataset, decodeSafetensors, readDataset, type Store, takeTensor } from "../registry/index.ts";
import { captureFile, captureFiles, marksFile, segmentsName, snapshotsName } from "./capture.ts";
import type { Snapshot } from "./fleet-state.ts";

const description = z.object({ from: z.iso.datetime(), to: z.iso.datetime(), samples: z.int().min(0) });

export type SnapshotOptions = {
  readonly store: Store;
  readonly namespace: string;
  readonly service: string;
  readonly ttlMs: number;
  /** Newest samples that a snapshot has at most. */
  readonly most: number;
};

/**
 * Deletes what has outlived its TTL and makes the newest snapshot: all segments within the TTL as one dataset, pinned by
 * its digest. The same segments give the same snapshot.
 *
 * @returns null when there is no sample
 */
export async function takeSnapshot(options: SnapshotOptions, now: number): Promise<Snapshot> {
  const { store, namespace, service, ttlMs, most } = options;
  const name = snapshotsName(namespace, service);
  const segments = await unexpired(store, segmentsName(namespace, service), now - ttlMs);
  await unexpired(store, name, now - ttlMs);
  const parts: { dataset: Dataset; marks: Uint8Array }[] = [];
  let samples = 0;
  for (const { folder } of segments) {
    if (samples >= most) break;
    const dataset = await readDataset(folder);
    // A service whose inputs changed their shape: only the newest shape can be trained on.
    if (parts[0] && parts[0].dataset.shape.join() !== dataset.shape.join()) continue;
    const marks = takeTensor(decodeSafetensors(await readFile(join(folder, marksFile))), "marks", "U8").data;
    parts.push({ dataset, marks });
    samples += dataset.count;
  }
  const [first] = parts;
  if (!first) return null;
  const dataset = concatenate(parts.map((part) => part.dataset));
  const marks = Uint8Array.from(parts.flatMap((part) => [...part.marks]));
  const uri = await store.putFiles(name, captureFiles(dataset, marks));
  const times = dataset.times ?? new Float64Array([now]);
  const [from, to] = [Math.min(...bounds(times)), Math.max(...bounds(times))];
  return { uri, samples: dataset.count, from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

type Segment = { readonly uri: StoreUri; readonly folder: string; readonly to: number };

/** @returns artefacts of a name whose newest sample is not older than `since`, newest first; older ones are deleted */
async function unexpired(store: Store, name: string, since: number): Promise<Segment[]> {
  const kept: Segment[] = [];
  for (const uri of await store.list(name)) {
    const folder = await store.resolve(storeUri.parse(uri));
    const { to } = description.parse(JSON.parse(await readFile(join(folder, captureFile), "utf8")));
    const newest = Date.parse(to);
    if (newest < since) await store.remove(uri);
    else kept.push({ uri, folder, to: newest });
  }
  return kept.sort((a, b) => b.to - a.to || (a.uri < b.uri ? -1 : 1));
}

function concatenate(datasets: readonly Dataset[]): Dataset {
  const [first] = datasets;
  if (!first) throw new RangeError("a snapshot needs a segment");
  const count = datasets.reduce((sum, dataset) => sum + dataset.count, 0);
  const columns = {
    shape: first.shape,
    count,
    domainNames: first.domainNames,
    source: first.source,
    sources: bytesOf(datasets.map(({ sources }) => sources)),
    clients: bytesOf(datasets.map(({ clients, count: rows }) => clients ?? new Uint8Array(rows * 16))),
    times: Float64Array.from(datasets.flatMap(({ times }) => [...(times ?? [])])),
  };
  if (first.modality === "Image") {
    const inputs = bytesOf(datasets.map(({ inputs }) => (inputs instanceof Uint8Array ? inputs : new Uint8Array(0))));
    return { ...columns, modality: "Image", inputs };
  }
  const inputs = Float32Array.from(datasets.flatMap((dataset) => [...dataset.inputs]));
  return { ...columns, modality: "Vector", inputs };
}

function bytesOf(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

function bounds(values: Float64Array): [number, number] {
  return [
    values.reduce((least, value) => Math.min(least, value), Infinity),
    values.reduce((most, value) => Math.max(most, value), -Infinity),
  ];
}
