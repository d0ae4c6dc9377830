import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inspectArtefact } from "./artefact.ts";
import { encodeProbes, encodeReferenceEmbeddings } from "./bundle.ts";
import { datasetFiles } from "./dataset.ts";
import { encodeSafetensors } from "./safetensors.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "artefact-"));
});
afterEach(() => rm(folder, { recursive: true }));

type Files = Record<string, string | Uint8Array>;

const inspect = async (files: Files) => {
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content);
  return await inspectArtefact(folder);
};

const description = {
  modality: "Vector",
  shape: [2],
  dimension: 3,
  architecture: "residual-mlp",
  normalise: true,
  seed: 1,
  steps: 1,
  backend: "wasm",
};
const foreign: Files = {
  "config.json": '{"model_type":"clip"}',
  "model.safetensors": encodeSafetensors({ w: { dtype: "F32", shape: [2], data: new Float32Array(2) } }),
};
const probes = (size: number, dimension: number) =>
  encodeProbes({
    shape: [size],
    inputs: new Float32Array(size),
    count: 1,
    embeddings: new Float32Array(dimension),
    dimension,
  });
const bundle: Files = { ...foreign, "evenkeel.json": JSON.stringify(description), ...probes(2, 3) };

/** A model of half-precision numbers, which no reader of ours decodes. */
function half(bytes: number): Uint8Array {
  const head = Buffer.from('{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  return Buffer.concat([length, head, Buffer.alloc(bytes)]);
}

describe("inspectArtefact", () => {
  it("knows a dataset", async () => {
    const files = datasetFiles({
      modality: "Vector",
      shape: [1],
      count: 1,
      domainNames: ["base"],
      source: "",
      inputs: new Float32Array(1),
      sources: new Uint8Array(16),
    });
    expect(await inspect(files)).toMatchObject({ kind: "Dataset", dataset: { count: 1 } });
  });

  it.each<[string, Files, unknown]>([
    ["a bundle", bundle, { dimension: 3 }],
    ["a foreign model", foreign, null],
    ["a foreign model with probes", { ...foreign, ...probes(5, 7) }, null],
    ["a foreign model in half precision", { ...foreign, "model.safetensors": half(4) }, null],
  ])("knows %s", async (_, files, expected) => {
    expect(await inspect(files)).toMatchObject({ kind: "Model", description: expected });
  });

  const without = (files: Files, file: string): Files =>
    Object.fromEntries(Object.entries(files).filter(([name]) => name !== file));

  it.each<[string, Files, string]>([
    ["nothing", {}, "it holds nothing"],
    [
      "something else",
      { "b.png": "", "a.png": "" },
      "nor a model (config.json, model.safetensors): it holds a.png, b.png",
    ],
    ["half a dataset", { "dataset.json": "{}" }, "data.safetensors cannot be read"],
    ["a model without weights", without(foreign, "model.safetensors"), "model.safetensors: there is no such file"],
    ["a config of another kind", { ...foreign, "config.json": "[]" }, "config.json: it is no JSON object"],
    ["a pointer to weights", { ...foreign, "model.safetensors": "version https://git-lfs" }, "have no whole header"],
    ["weights cut off", { ...foreign, "model.safetensors": half(3) }, "its tensors take 4 bytes, but 3 follow"],
    ["weights of nothing", { ...foreign, "model.safetensors": encodeSafetensors({}) }, "it holds no tensor"],
    [
      "a field of another kind",
      { ...bundle, "evenkeel.json": JSON.stringify({ ...description, dimension: 0 }) },
      "evenkeel.json: dimension: must be at least 1, not 0",
    ],
    ["a bundle without probes", without(bundle, "probes.safetensors"), "probes.safetensors cannot be read"],
    ["probes of other inputs", { ...bundle, ...probes(9, 3) }, "inputs are [9] each, evenkeel.json says [2]"],
    ["probes of another model", { ...bundle, ...probes(2, 4) }, "embeddings are [4] each, evenkeel.json says [3]"],
    [
      "a reference of another model",
      {
        ...bundle,
        ...encodeReferenceEmbeddings({
          count: 1,
          dimension: 4,
          embeddings: new Float32Array(4),
          sources: new Uint8Array(16),
          live: new Uint8Array(1),
          squeezed: new Map(),
          squeezedBenign: new Map(),
        }),
      },
      "reference.safetensors: embeddings are [4] each",
    ],
  ])("refuses %s", async (_, files, message) => {
    await expect(inspect(files)).rejects.toThrow(message);
  });
});
