import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoreUri } from "../api/index.ts";
import { BundleError } from "./bundle.ts";
import {
  findPodReference,
  type PodReference,
  podReferenceFiles,
  podReferenceName,
  readPodReference,
} from "./pod-reference.ts";
import { openStore } from "./store.ts";

const service = { namespace: "search", name: "shop" };
const model = `sha256:${"a".repeat(64)}`;
const dataset: StoreUri = `store://data/shop@sha256:${"b".repeat(64)}`;
const key = { service, model, dataset };

const pods = (embedding: number): PodReference => ({
  model: { digest: model, uri: "hub/model" },
  dataset,
  probes: {
    shape: [2],
    inputs: Float32Array.of(1, 2),
    count: 1,
    embeddings: Float32Array.of(embedding, 0, 1),
    dimension: 3,
  },
  reference: {
    count: 2,
    dimension: 3,
    embeddings: Float32Array.of(embedding, 0, 1, 0, 1, 0),
    sources: new Uint8Array(32).fill(7),
    live: Uint8Array.of(1, 1),
    squeezed: new Map([["Quantise", Float32Array.of(0.25)]]),
    squeezedBenign: new Map(),
  },
});

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "evenkeel-pod-reference-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

describe("what pods gave for a dataset", () => {
  it("is found by the model and the dataset, and reads back", async () => {
    const store = openStore(root);
    expect(await findPodReference(store, key)).toBeNull();
    const put = await store.putFiles(podReferenceName(key), podReferenceFiles(pods(1)));
    expect(put).toContain("store://references/search/shop/aaaaaaaaaaaa-bbbbbbbbbbbb@sha256:");
    expect(await findPodReference(store, key)).toBe(put);
    expect(await readPodReference(await store.resolve(put), key)).toEqual(pods(1));
  });

  it("is the same for all gateways when two have put it", async () => {
    const store = openStore(root);
    const first = await store.putFiles(podReferenceName(key), podReferenceFiles(pods(1)));
    await store.putFiles(podReferenceName(key), podReferenceFiles(pods(2)));
    expect(await findPodReference(store, key)).toBe(first);
  });

  it.each([
    ["another model", { ...key, model: `${model.slice(0, -1)}c` }],
    ["another dataset", { ...key, dataset: `${dataset.slice(0, -1)}c` }],
  ])("is not taken for that of %s whose name is alike", async (_, other) => {
    const store = openStore(root);
    const folder = await store.resolve(await store.putFiles(podReferenceName(key), podReferenceFiles(pods(1))));
    expect(podReferenceName(other)).toBe(podReferenceName(key));
    await expect(readPodReference(folder, other)).rejects.toThrow(BundleError);
  });
});
