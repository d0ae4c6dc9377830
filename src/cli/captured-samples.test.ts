import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Dataset,
  datasetFiles,
  locateSamples,
  openStore,
  parseUri,
  segmentsOf,
  snapshotFiles,
  sourceId16,
  sourceName,
} from "../registry/index.ts";
import { writeCapturedSamples } from "./captured-samples.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "captured-"));
});
afterEach(() => rm(dir, { recursive: true }));

const name = "traffic/ns/svc";
const images = (...greys: readonly number[]): Dataset => ({
  modality: "Image",
  shape: [2, 2, 1],
  count: greys.length,
  domainNames: ["base"],
  source: "captured traffic",
  sources: new Uint8Array(Buffer.concat(greys.map((grey) => sourceId16(`${grey}`)))),
  inputs: Uint8Array.from(greys.flatMap((grey) => [grey, grey, grey, grey])),
});

describe("captured samples", () => {
  it("are found by their input and written out as long as their segment is kept", async () => {
    const store = openStore(join(dir, "store"));
    const [first, second] = [
      await store.putFiles(segmentsOf(name), datasetFiles(images(10, 20))),
      await store.putFiles(segmentsOf(name), datasetFiles(images(30, 40))),
    ];
    const at = "2026-01-01T00:00:00.000Z";
    const segments = [first, second].map((uri) => parseUri(uri).digest);
    const snapshot = await store.putFiles(name, snapshotFiles({ from: at, to: at, samples: 4, segments }));
    const wanted = [40, 99, 10].map((grey) => sourceName({ sources: sourceId16(`${grey}`) }, 0));
    const samples = await locateSamples(store, snapshot, wanted);
    expect(samples).toEqual([
      { segment: second, row: 1 },
      { segment: first, row: 0 },
    ]);

    const out = join(dir, "out");
    expect(await writeCapturedSamples(store, samples, out)).toEqual({ written: 2, gone: 0 });
    expect(await readdir(out)).toEqual(["captured-01.png", "captured-02.png"]);
    expect([...decode(await readFile(join(out, "captured-01.png"))).data]).toEqual([40, 40, 40, 40]);

    await store.remove(second);
    expect(await writeCapturedSamples(store, samples, join(dir, "later"))).toEqual({ written: 1, gone: 1 });
    expect(await readdir(join(dir, "later"))).toEqual(["captured-02.png"]);
    expect(await locateSamples(store, snapshot, wanted)).toEqual([{ segment: first, row: 0 }]);
  });
});
