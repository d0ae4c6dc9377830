import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { storeWith } from "../../test/harness/store-with.ts";
import type { StoreUri } from "../api/index.ts";
import { locateSamples } from "./captured-samples.ts";
import type { Store } from "./contract.ts";
import { type Dataset, datasetFiles, sourceName } from "./dataset.ts";
import { sourceId16 } from "./splits.ts";
import { openStore } from "./store.ts";
import { segmentsOf, snapshotFiles } from "./traffic.ts";
import { parseUri } from "./uri.ts";

const name = "traffic/ns/svc";
const vectors = (...values: readonly number[]): Dataset => ({
  modality: "Vector",
  shape: [1],
  count: values.length,
  domainNames: ["base"],
  source: "captured traffic",
  sources: new Uint8Array(Buffer.concat(values.map((value) => sourceId16(`${value}`)))),
  inputs: Float32Array.from(values),
});
const sourcesOf = (...values: readonly number[]) =>
  values.map((value) => sourceName({ sources: sourceId16(`${value}`) }, 0));

let folder: string;
let store: Store;
let snapshot: StoreUri;
let first: StoreUri;
let second: StoreUri;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "captured-"));
  store = openStore(folder);
  first = await store.putFiles(segmentsOf(name), datasetFiles(vectors(1, 2)));
  second = await store.putFiles(segmentsOf(name), datasetFiles(vectors(3, 2, 4)));
  const at = "2026-01-01T00:00:00.000Z";
  const segments = [first, second].map((uri) => parseUri(uri).digest);
  snapshot = await store.putFiles(name, snapshotFiles({ from: at, to: at, samples: 5, segments }));
});
afterEach(() => rm(folder, { recursive: true }));

/** The store while someone removes these artefacts: each goes right after it was looked up, before it is read. */
function losing(...uris: readonly StoreUri[]): Store {
  return storeWith(store, {
    resolve: async (uri) => {
      const found = await store.resolve(uri);
      if (uris.includes(uri)) await store.remove(uri);
      return found;
    },
  });
}

describe("locateSamples", () => {
  it("finds inputs where they lie first, in the order they were asked for, and leaves out what is nowhere", async () => {
    expect(await locateSamples(store, snapshot, sourcesOf(4, 99, 2, 1))).toEqual([
      { segment: second, row: 2 },
      { segment: first, row: 1 },
      { segment: first, row: 0 },
    ]);
    expect(await locateSamples(store, snapshot, [])).toEqual([]);
  });

  it("finds none of a snapshot that is gone, or goes while it is read", async () => {
    expect(await locateSamples(losing(snapshot), snapshot, sourcesOf(1))).toEqual([]);
    expect(await locateSamples(store, snapshot, sourcesOf(1))).toEqual([]);
  });

  it("finds none of a dataset that is no snapshot", async () => {
    expect(await locateSamples(store, first, sourcesOf(1))).toEqual([]);
  });

  it("leaves out what was in a segment that is gone, and finds an input that another still has", async () => {
    await store.remove(first);
    expect(await locateSamples(store, snapshot, sourcesOf(1, 2, 3))).toEqual([
      { segment: second, row: 1 },
      { segment: second, row: 0 },
    ]);
    await store.remove(second);
    expect(await locateSamples(store, snapshot, sourcesOf(1, 2, 3))).toEqual([]);
  });

  it("does the same for one that goes while it is read", async () => {
    expect(await locateSamples(losing(first), snapshot, sourcesOf(1, 2))).toEqual([{ segment: second, row: 1 }]);
    expect(await locateSamples(losing(second), snapshot, sourcesOf(1, 2, 4))).toEqual([]);
  });

  it("does not take one that was changed for one that is gone", async () => {
    await appendFile(join(await store.resolve(first), "data.safetensors"), "!");
    await expect(locateSamples(store, snapshot, sourcesOf(1))).rejects.toMatchObject({ reason: "Corrupt" });
  });
});
