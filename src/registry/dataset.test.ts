import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Dataset, readDataset, requireClasses, rowsOfSplit, takeRows, writeDataset } from "./dataset.ts";
import { sourceId16, splitOf, splitShares, splits } from "./splits.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dataset-"));
});
afterEach(() => rm(folder, { recursive: true }));

const images: Dataset = {
  modality: "Image",
  shape: [1, 2, 1],
  count: 3,
  domainNames: ["base", "shifted"],
  source: "made by hand",
  inputs: new Uint8Array([1, 2, 3, 4, 5, 6]),
  labels: new Int32Array([7, 8, 9]),
  domains: new Uint8Array([0, 1, 0]),
  clients: new Uint8Array(48).fill(5),
  times: new Float64Array([1, 2, 3]),
  sources: Buffer.concat(["a", "b", "c"].map(sourceId16)),
};
const vectors: Dataset = {
  modality: "Vector",
  shape: [2],
  count: 2,
  domainNames: ["base"],
  source: "",
  inputs: new Float32Array([0.5, 1, 2, 3]),
  sources: new Uint8Array(32),
};

describe("dataset", () => {
  it.each([
    ["images with every column", images],
    ["vectors with none", vectors],
  ])("reads back %s", async (_, dataset) => {
    await writeDataset(folder, dataset);
    const read = await readDataset(folder);
    expect({ ...read, sources: [...read.sources] }).toEqual({ ...dataset, sources: [...dataset.sources] });
  });

  it("takes rows of every column", () => {
    const taken = takeRows(images, [2, 0]);
    expect([...taken.inputs]).toEqual([5, 6, 1, 2]);
    expect([...(taken.labels ?? [])]).toEqual([9, 7]);
    expect([...(taken.times ?? [])]).toEqual([3, 1]);
    expect([...taken.inputs.subarray(0, 2)]).toEqual([5, 6]);
  });

  it.each<[string, Dataset, string, string]>([
    [
      "no rows",
      { ...vectors, count: 0, inputs: new Float32Array(0), sources: new Uint8Array(0) },
      "Empty",
      "no inputs",
    ],
    ["NaN", { ...vectors, inputs: new Float32Array([0, Number.NaN, 0, 0]) }, "NotFinite", "inputs[0][1] is NaN"],
    [
      "infinity",
      { ...vectors, inputs: new Float32Array([0, 0, 0, Infinity]) },
      "NotFinite",
      "inputs[1][1] is Infinity",
    ],
    ["an image without channels", { ...images, shape: [2, 1] }, "Malformed", "[height, width, channels]"],
    ["a domain without a name", { ...images, domainNames: ["base"] }, "Malformed", "domains: 1 has no name"],
  ])("refuses %s", async (_, dataset, reason, message) => {
    await writeDataset(folder, dataset);
    await expect(readDataset(folder)).rejects.toMatchObject({ reason, message: expect.stringContaining(message) });
  });

  it.each([
    ["a missing file", "dataset.json", null, "dataset.json cannot be read"],
    ["a broken head", "dataset.json", "{", "dataset.json: it is not JSON"],
    [
      "fields of another kind",
      "dataset.json",
      JSON.stringify({ modality: "Text", shape: [2, "x"], count: 2 }),
      'dataset.json: modality: must be one of Image, Vector, not "Text"; shape[1]: must be a finite number, not "x"',
    ],
    [
      "a wrong count",
      "dataset.json",
      JSON.stringify({ modality: "Vector", shape: [2], count: 9 }),
      "dataset.json says [9, 16]",
    ],
    [
      "a broken body",
      "data.safetensors",
      "no",
      "data.safetensors: not a safetensors file: its 2 bytes have no whole header",
    ],
  ])("calls %s Malformed", async (_, file, content, message) => {
    await writeDataset(folder, vectors);
    await (content === null ? rm(join(folder, file)) : writeFile(join(folder, file), content));
    await expect(readDataset(folder)).rejects.toMatchObject({
      reason: "Malformed",
      message: expect.stringContaining(message),
    });
  });

  it("refuses one class, and asks nothing of data without labels", () => {
    expect(() => requireClasses({ ...images, labels: new Int32Array([4, 4, 4]) })).toThrow("all 3 labels are 4");
    expect(() => requireClasses(images)).not.toThrow();
    expect(() => requireClasses(vectors)).not.toThrow();
  });
});

describe("splitOf", () => {
  it("is fixed for ever: known values", () => {
    expect(["a", "b", "c", "d", "e", "f"].map((source) => splitOf(sourceId16(source)))).toMatchInlineSnapshot(`
      [
        "train",
        "calibration",
        "train",
        "control",
        "train",
        "train",
      ]
    `);
  });

  it("gives each split its share, every source one split, and another salt another deal", () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => sourceId16(`source ${i}`));
    const dealt = ids.map((id) => splitOf(id, "s"));
    for (const split of splits) {
      const share = dealt.filter((one) => one === split).length / ids.length;
      expect(Math.abs(share - splitShares[split])).toBeLessThan(0.015);
    }
    expect(ids.map((id) => splitOf(id, "s"))).toEqual(dealt);
    expect(ids.map((id) => splitOf(id, "t"))).not.toEqual(dealt);
    expect(Object.values(splitShares).reduce((sum, share) => sum + share)).toBeCloseTo(1);
  });

  it("partitions a dataset's rows", () => {
    const rows = splits.flatMap((split) => [...rowsOfSplit(images, [split])]).sort((a, b) => a - b);
    expect(rows).toEqual([0, 1, 2]);
  });
});
