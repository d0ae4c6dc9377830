import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attacksOf, recordAttacks, recordedAttacks } from "./attack-record.ts";
import { type Dataset, datasetFiles } from "./dataset.ts";
import { sourceId16 } from "./splits.ts";
import { openStore } from "./store.ts";
import { newestFirst, parseSnapshot, readTraffic, segmentsOf, snapshotFiles } from "./traffic.ts";
import { parseUri } from "./uri.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "traffic-"));
});
afterEach(() => rm(folder, { recursive: true }));

const name = "traffic/ns/svc";
const vectors = (...values: readonly (readonly number[])[]): Dataset => ({
  modality: "Vector",
  shape: [values[0]?.length ?? 0],
  count: values.length,
  domainNames: ["base"],
  source: "captured traffic",
  sources: new Uint8Array(Buffer.concat(values.map((value) => sourceId16(value.join())))),
  clients: new Uint8Array(values.length * 16).fill(7),
  times: Float64Array.from(values, (_, i) => 1000 + i),
  inputs: Float32Array.from(values.flat()),
});

async function snapshot(...segments: readonly Dataset[]) {
  const store = openStore(folder);
  const uris = [];
  for (const segment of segments) uris.push(await store.putFiles(segmentsOf(name), datasetFiles(segment)));
  const [from, to] = ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"];
  const digests = uris.map((uri) => parseUri(uri).digest);
  const uri = await store.putFiles(name, snapshotFiles({ from, to, samples: 3, segments: digests }));
  return { store, uri, uris };
}

describe("readTraffic", () => {
  it("joins the segments in the snapshot's order, column by column", async () => {
    const { store, uri } = await snapshot(vectors([1, 2]), vectors([3, 4], [5, 6]));
    const all = vectors([1, 2], [3, 4], [5, 6]);
    expect(await readTraffic(store, uri)).toEqual({ ...all, times: Float64Array.from([1000, 1000, 1001]) });
  });

  it("leaves out a segment whose TTL has passed, and is NotFound without any", async () => {
    const { store, uri, uris } = await snapshot(vectors([1, 2]), vectors([3, 4], [5, 6]));
    await store.remove(uris[0] ?? "");
    expect([...(await readTraffic(store, uri)).inputs]).toEqual([3, 4, 5, 6]);
    await store.remove(uris[1] ?? "");
    await expect(readTraffic(store, uri)).rejects.toMatchObject({ reason: "NotFound" });
    await store.remove(uri);
    await expect(readTraffic(store, uri)).rejects.toMatchObject({ reason: "NotFound" });
  });

  it("leaves out inputs of another shape than the newest", async () => {
    const { store, uri } = await snapshot(vectors([1, 2]), vectors([3]), vectors([5, 6]));
    expect([...(await readTraffic(store, uri)).inputs]).toEqual([1, 2, 5, 6]);
  });

  it("leaves out what was captured while an attack was on, told of it before or after the snapshot", async () => {
    const { store, uri } = await snapshot(vectors([1, 2], [3, 4], [5, 6]), vectors([7, 8]));
    await recordAttacks(store, name, [{ from: 1001, to: null }], 1);
    expect([...(await readTraffic(store, uri)).inputs]).toEqual([1, 2, 7, 8]);
    await recordAttacks(store, name, [{ from: 1001, to: 1002 }], 2);
    const left = await readTraffic(store, uri);
    expect([...left.inputs]).toEqual([1, 2, 5, 6, 7, 8]);
    expect([...(left.times ?? [])]).toEqual([1000, 1002, 1000]);
    await recordAttacks(store, name, [{ from: 0, to: null }], 3);
    await expect(readTraffic(store, uri)).rejects.toMatchObject({ reason: "Attacked" });
  });

  it("uses no traffic while it cannot be told when attacks were", async () => {
    const { store, uri } = await snapshot(vectors([1, 2]));
    await store.putFiles(attacksOf(name), { "attacks.json": Buffer.from('{"windows":"none"}') });
    await expect(readTraffic(store, uri)).rejects.toMatchObject({ reason: "Malformed" });
  });

  it("keeps few records of attacks, the newest among them", async () => {
    const { store } = await snapshot(vectors([1, 2]));
    for (let at = 1; at <= 20; at++) await recordAttacks(store, name, [{ from: at, to: null }], at);
    expect(await store.list(attacksOf(name))).toHaveLength(8);
    expect(await recordedAttacks(store, name)).toEqual([{ from: 20, to: null }]);
  });

  it("refuses a segment that was changed", async () => {
    const { store, uri, uris } = await snapshot(vectors([1, 2]), vectors([3, 4]));
    await appendFile(join(await store.resolve(uris[1] ?? ""), "data.safetensors"), "!");
    await expect(readTraffic(store, uri)).rejects.toMatchObject({ reason: "Corrupt" });
  });

  it("reads an artefact that is a dataset itself", async () => {
    const store = openStore(folder);
    const uri = await store.putFiles(name, datasetFiles(vectors([1, 2])));
    expect((await readTraffic(store, uri)).count).toBe(1);
  });

  it.each(["{", "{}", '{"segments":["store://data/secret@sha256:00"]}'])("refuses %s as a snapshot", async (text) => {
    const store = openStore(folder);
    const uri = await store.putFiles(name, { "snapshot.json": Buffer.from(text) });
    await expect(readTraffic(store, uri)).rejects.toMatchObject({ reason: "Malformed" });
    expect(parseSnapshot(Buffer.from(text))).toBeNull();
  });
});

describe("newestFirst", () => {
  const rows = Int32Array.of(0, 1, 3);

  it("goes by the times, and by the rows of one time", () => {
    const traffic = { ...vectors([1], [2], [3], [4]), times: Float64Array.of(5, 9, 99, 9) };
    expect([...newestFirst(traffic, rows)]).toEqual([1, 3, 0]);
    expect([...rows]).toEqual([0, 1, 3]);
  });

  it("takes later rows for newer ones where nobody noted the time", () => {
    const { times: _, ...untimed } = vectors([1], [2], [3], [4]);
    expect([...newestFirst(untimed, rows)]).toEqual([3, 1, 0]);
  });
});
