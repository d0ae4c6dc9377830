import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { encode } from "fast-png";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { datasetFiles, sourceId16, sourceOf } from "../registry/index.ts";
import { type Packed, pack } from "./pack.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pack-"));
});
afterEach(() => rm(folder, { recursive: true }));

type Files = Record<string, string | Uint8Array>;

const png = (pixels: readonly number[], width: number, channels = 1, depth: 8 | 16 = 8): Buffer => {
  const data = depth === 8 ? Uint8Array.from(pixels) : Uint16Array.from(pixels);
  return Buffer.from(encode({ width, height: pixels.length / channels / width, data, channels, depth }));
};
const uri = (image: Buffer): string => `data:image/png;base64,${image.toString("base64")}`;

const packed = async (files: Files, from = "."): Promise<Packed> => {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  }
  return await pack(join(folder, from), () => undefined);
};
const lines = async (...rows: readonly (object | string)[]): Promise<Packed> =>
  await packed(
    { "in.jsonl": rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n") },
    "in.jsonl",
  );

describe("packing a folder", () => {
  it("takes labels from folders, in the order of their names", async () => {
    const { dataset, labelNames } = await packed({
      "shoes/b.png": png([3, 4], 2),
      "shoes/a.PNG": png([1, 2], 2),
      "boots/c.png": png([5, 6], 2),
      "boots/.DS_Store": "",
    });
    expect(labelNames).toEqual(["boots", "shoes"]);
    expect(dataset).toMatchObject({ modality: "Image", shape: [1, 2, 1], count: 3, domainNames: ["base"] });
    expect([...dataset.inputs]).toEqual([5, 6, 1, 2, 3, 4]);
    expect([...(dataset.labels ?? [])]).toEqual([0, 1, 1]);
  });

  it("numbers labels that are numbers by their value", async () => {
    const { labelNames } = await packed({ "10/a.png": png([1], 1), "9/a.png": png([2], 1), "0/a.png": png([3], 1) });
    expect(labelNames).toEqual(["0", "9", "10"]);
  });

  it("takes images right in it, without labels, and in colour", async () => {
    const { dataset, labelNames } = await packed({ "a.png": png([1, 2, 3], 1, 3) });
    expect(labelNames).toEqual([]);
    expect(dataset).toMatchObject({ shape: [1, 1, 3] });
    expect(dataset.labels).toBeUndefined();
  });

  it("makes copies one source: the hash of the pixels, as captured traffic has it", async () => {
    const { dataset } = await packed({ "a/1.png": png([7], 1), "b/2.png": png([7], 1), "b/3.png": png([8], 1) });
    const seven = createHash("sha256").update(Uint8Array.of(7)).digest().subarray(0, 16);
    expect([0, 1].map((row) => Buffer.from(sourceOf(dataset, row)))).toEqual([seven, seven]);
    expect(Buffer.from(sourceOf(dataset, 2))).not.toEqual(seven);
  });

  it("gives the same bytes whatever was written first", async () => {
    const files: Files = { "a/1.png": png([1], 1), "a/2.png": png([2], 1), "b/1.png": png([3], 1) };
    const first = datasetFiles((await packed(files)).dataset);
    await rm(join(folder, "a"), { recursive: true });
    const again = datasetFiles((await packed(Object.fromEntries(Object.entries(files).toReversed()))).dataset);
    expect(Buffer.compare(first["data.safetensors"] ?? Buffer.of(0), again["data.safetensors"] ?? Buffer.of(1))).toBe(
      0,
    );
  });

  it.each<[string, Files, string]>([
    ["an empty folder", { ".keep": "" }, "there is nothing in it: it must hold LABEL/NAME.png"],
    ["an empty label", { "a/.keep": "", "b/1.png": png([1], 1) }, "/a: the label folder is empty"],
    ["one class", { "a/1.png": png([1], 1), "a/2.png": png([2], 1) }, "all 2 inputs have the label a"],
    [
      "a file beside label folders",
      { "a/1.png": png([1], 1), "x.png": png([2], 1) },
      "/x.png: it stands beside the label",
    ],
    [
      "a folder in a label",
      { "a/1.png": png([1], 1), "a/b/2.png": png([2], 1) },
      "/a/b: a label folder holds PNG files",
    ],
    ["another format", { "a/1.jpg": "\u00ff\u00d8JFIF" }, "/a/1.jpg: not a PNG image"],
    ["a cut PNG", { "a/1.png": png([1, 2, 3, 4], 2).subarray(0, 45) }, "/a/1.png: a damaged PNG image"],
    [
      "a changed PNG",
      { "a/1.png": Buffer.concat([png([1], 1).subarray(0, 30), Buffer.of(0xff), png([1], 1).subarray(31)]) },
      "/a/1.png: a damaged PNG image",
    ],
    ["alpha", { "a/1.png": png([1, 2, 3, 4], 1, 4) }, "/a/1.png: the image has 4 channels of 8 bits: it must be grey"],
    ["16 bits", { "a/1.png": png([1], 1, 1, 16) }, "/a/1.png: the image has 1 channels of 16 bits"],
    [
      "two sizes",
      { "a/1.png": png([1, 2], 2), "b/2.png": png([1, 2], 1) },
      "/b/2.png: 2 × 1 × 1 (height × width × channels), but",
    ],
  ])("refuses %s", async (_, files, message) => {
    await expect(packed(files)).rejects.toThrow(message);
  });
});

describe("packing JSON lines", () => {
  it("takes vectors with labels, sources and domains", async () => {
    const { dataset, labelNames } = await lines(
      { input: [0.5, 1], label: "good", source: "a" },
      "",
      { input: [2, 3], label: "bad", source: "a", domain: "shifted" },
      { input: [4, 5], label: "good" },
    );
    expect(labelNames).toEqual(["bad", "good"]);
    expect(dataset).toMatchObject({ modality: "Vector", shape: [2], count: 3, domainNames: ["base", "shifted"] });
    expect([...dataset.inputs]).toEqual([0.5, 1, 2, 3, 4, 5]);
    expect([...(dataset.labels ?? [])]).toEqual([1, 0, 1]);
    expect([...(dataset.domains ?? [])]).toEqual([0, 1, 0]);
    const id = Buffer.from(sourceId16("a"));
    expect([0, 1].map((row) => Buffer.from(sourceOf(dataset, row)))).toEqual([id, id]);
  });

  it("takes a file with a byte order mark and another system's ends of lines", async () => {
    const { dataset } = await packed({ "in.jsonl": '\u{feff}{"input": [1]}\r\n{"input": [2]}\r\n' }, "in.jsonl");
    expect([...dataset.inputs]).toEqual([1, 2]);
  });

  it("takes images, as paths beside the file and as clients send them", async () => {
    const image = png([9], 1);
    const text = [{ input: "pictures/a.png" }, { input: uri(png([8], 1)) }]
      .map((row) => JSON.stringify(row))
      .join("\n");
    const { dataset } = await packed({ "sub/pictures/a.png": image, "sub/in.jsonl": text }, "sub/in.jsonl");
    expect([...dataset.inputs]).toEqual([9, 8]);
  });

  it.each<[string, (object | string)[], string | RegExp]>([
    ["nothing", [], "in.jsonl: it is empty"],
    ["blank lines", ["", " "], "in.jsonl: it has no inputs"],
    ["a whole dataset in one line", [`[${"1,".repeat(17_000_000)}`], "in.jsonl:1: the line is longer than"],
    ["what is no JSON", [{ input: [1] }, "{"], "in.jsonl:2: the line is not JSON"],
    ["a line without an input", [{ label: "a" }], "in.jsonl:1: input: must be an array of finite numbers"],
    ["words among numbers", [{ input: [1, "2"] }], "in.jsonl:1: input: must be an array of finite numbers"],
    [
      "a field it does not know",
      [{ input: [1], lable: "a" }],
      "in.jsonl:1: there is no field lable: a line has input, label, source and domain",
    ],
    ["a number too large", ['{"input": [1, 1e39]}'], "in.jsonl:1: input[1]: 1e+39 is not a finite number of 32 bits"],
    ["a fraction as a label", [{ input: [1], label: 0.5 }], "in.jsonl:1: label: must be a text or a whole number"],
    ["a source that is no text", [{ input: [1], source: 5 }], "in.jsonl:1: source: must be a text, not 5"],
    ["a domain without a name", [{ input: [1], domain: "" }], "in.jsonl:1: domain: must be at least 1 characters long"],
    ["a line that is no object", ["[1, 2]"], 'in.jsonl:1: must be an object such as {"input": [0.1, 2.5]}, not [1,2]'],
    ["a folder as a picture", [{ input: "." }], ": it is a folder: a file is needed"],
    ["two lengths", [{ input: [1, 2] }, { input: [1] }], "in.jsonl:2: 1 numbers, but"],
    ["two modalities", [{ input: [1] }, { input: uri(png([1], 1)) }], "in.jsonl:2: 1 × 1 × 1 (height"],
    ["a missing label", [{ input: [1], label: "a" }, { input: [2] }], "in.jsonl:2: it has no label, but"],
    [
      "one class",
      [
        { input: [1], label: 4 },
        { input: [2], label: 4 },
      ],
      "all 2 inputs have the label 4",
    ],
    [
      "a missing picture",
      [{ input: [1] }, { input: "no.png" }],
      /in\.jsonl:2: input: \/.*\/no\.png: there is no such file; a string is the path of a PNG file: text is not/,
    ],
    ["a picture that is none", [{ input: "/etc/hostname" }], /in\.jsonl:1: input: \/etc\/hostname: not a PNG image$/],
  ])("refuses %s", async (_, rows, message) => {
    await expect(lines(...rows)).rejects.toThrow(message);
  });
});
