import { describe, expect, it } from "vitest";
import { seededRandom } from "../monitor/index.ts";
import type { Dataset } from "../registry/index.ts";
import { sourceId16 } from "../registry/index.ts";
import { findDuplicates } from "./duplicates.ts";
import { prepareData } from "./prepared-data.ts";

function images(pixels: Uint8Array[], labels: number[] = pixels.map((_, i) => i % 2)): Dataset {
  return {
    modality: "Image",
    shape: [16, 16, 1],
    count: pixels.length,
    domainNames: ["base"],
    source: "",
    inputs: new Uint8Array(Buffer.concat(pixels)),
    labels: Int32Array.from(labels),
    sources: new Uint8Array(Buffer.concat(pixels.map((_, i) => sourceId16(`image ${i}`)))),
  };
}
const random = seededRandom(8);
const noise = (): Uint8Array => new Uint8Array(256).map(() => random.integer(256));
const all = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);

describe("findDuplicates", () => {
  it("finds exact and near duplicates and keeps what comes first", () => {
    const originals = Array.from({ length: 20 }, noise);
    const nearly = originals.map((image) => image.map((value) => Math.min(255, value + random.integer(6))));
    const dataset = images([...originals, ...originals.slice(0, 5), ...nearly]);
    const found = findDuplicates(dataset, all(dataset.count));
    expect([...found.kept]).toEqual([...all(20)]);
    expect(found).toMatchObject({ exact: 5, near: 20 });
  });

  it("keeps the copy that the order names first", () => {
    const image = noise();
    const { kept } = findDuplicates(images([image, noise(), image]), Int32Array.from([2, 1, 0]));
    expect([...kept]).toEqual([1, 2]);
  });

  it("does not take a brighter or a shifted image for a duplicate", () => {
    const image = noise();
    const brighter = image.map((value) => Math.min(255, value + 60));
    const shifted = Uint8Array.from(image, (_, i) => image[(i + 1) % 256] ?? 0);
    expect(findDuplicates(images([image, brighter, shifted]), all(3)).kept).toHaveLength(3);
  });
});

describe("prepareData", () => {
  it("takes out of training what stands in another split", () => {
    const originals = Array.from({ length: 400 }, noise);
    const before = prepareData(images(originals));
    const after = prepareData(images([...originals, ...originals]));
    const texts = (dataset: Dataset) =>
      new Set(
        Array.from({ length: dataset.count }, (_, i) =>
          Buffer.from(dataset.inputs.slice(i * 256, i * 256 + 256)).toString("hex"),
        ),
      );
    const trained = texts(after.train);
    for (const held of [after.control, after.calibration]) {
      expect([...texts(held)].filter((text) => trained.has(text))).toEqual([]);
    }
    expect(before.duplicates).toEqual({ exact: 0, near: 0 });
    expect(after.duplicates.exact).toBe(400);
  });

  it.each<[string, Dataset, string, string]>([
    [
      "one class",
      images(
        Array.from({ length: 200 }, noise),
        Array.from({ length: 200 }, () => 3),
      ),
      "OneClass",
      "all 200 labels are 3",
    ],
    ["too few inputs", images(Array.from({ length: 20 }, noise)), "Empty", "are left for train"],
    [
      "copies of one image",
      images(Array.from({ length: 200 }, () => new Uint8Array(256).fill(9))),
      "Empty",
      "exact and 0 near duplicates removed",
    ],
  ])("refuses %s", (_, dataset, reason, message) => {
    expect(() => prepareData(dataset)).toThrow(
      expect.objectContaining({ reason, message: expect.stringContaining(message) }),
    );
  });
});
