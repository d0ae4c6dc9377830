import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { useWasm } from "../../test/harness/wasm-backend.ts";
import { seededRandom } from "../monitor/index.ts";
import { decodeSafetensors, encodeSafetensors, takeTensor } from "../registry/index.ts";
import { buildNetwork } from "./architectures/index.ts";
import { batchOf, type Encoder, embed, embedAll, initialWeights } from "./encoder.ts";
import { encoderFiles, loadEncoder } from "./hugging-face.ts";

const tinyVit = join(import.meta.dirname, "fixtures", "tiny-vit");
const mean = z.array(z.number());
let folder: string;
beforeAll(useWasm);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "encoder-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(encoder: Encoder): Promise<void> {
  for (const [file, content] of Object.entries(encoderFiles(encoder))) await writeFile(join(folder, file), content);
}

describe("a model that transformers wrote (tools/vit-reference.py)", () => {
  it("gives the vectors that transformers gives", async () => {
    const expected = decodeSafetensors(await readFile(join(tinyVit, "expected.safetensors")));
    const pixels = takeTensor(expected, "pixels", "F32");
    const vectors = embed(await loadEncoder(tinyVit), tf.tensor(pixels.data, [...pixels.shape]));
    const difference = tf.max(
      tf.abs(tf.sub(vectors, tf.tensor(takeTensor(expected, "embeddings", "F32").data, vectors.shape))),
    );
    expect(difference.dataSync()[0]).toBeLessThan(2e-6);
  });

  it("is written again with the same names, shapes and numbers", async () => {
    const files = encoderFiles(await loadEncoder(tinyVit));
    const ours = decodeSafetensors(files["model.safetensors"] ?? new Uint8Array());
    const theirs = decodeSafetensors(await readFile(join(tinyVit, "model.safetensors")));
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
  });

  it("is written again with the config that transformers wrote, and the preprocessor that goes with it", async () => {
    const files = encoderFiles(await loadEncoder(tinyVit));
    const parsed = (file: string): unknown => JSON.parse(Buffer.from(files[file] ?? "").toString("utf8"));
    // What of transformers' own has no bearing on vectors: heads, dropout while training, versions.
    const { image_mean, image_std, ...ours } = z
      .looseObject({ image_mean: mean, image_std: mean })
      .parse(parsed("config.json"));
    const theirs: unknown = JSON.parse(await readFile(join(tinyVit, "config.json"), "utf8"));
    expect(theirs).toMatchObject(ours);
    expect(Object.keys(ours).toSorted()).toEqual([
      "architectures",
      "hidden_act",
      "hidden_size",
      "image_size",
      "initializer_range",
      "intermediate_size",
      "layer_norm_eps",
      "model_type",
      "num_attention_heads",
      "num_channels",
      "num_hidden_layers",
      "patch_size",
      "qkv_bias",
    ]);
    expect(parsed("preprocessor_config.json")).toEqual({
      image_processor_type: "ViTImageProcessor",
      do_resize: true,
      size: { height: 8, width: 8 },
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean,
      image_std,
    });
    expect([image_mean, image_std]).toEqual([
      [0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5],
    ]);
  });

  it("is read under the prefix of a model with a head", async () => {
    await cp(tinyVit, folder, { recursive: true });
    const stored = decodeSafetensors(await readFile(join(tinyVit, "model.safetensors")));
    const prefixed = Object.fromEntries([...stored].map(([name, tensor]) => [`vit.${name}`, tensor]));
    await writeFile(join(folder, "model.safetensors"), encodeSafetensors(prefixed));
    const inputs = new Uint8Array(8 * 8 * 3).map((_, i) => i);
    expect(embedAll(await loadEncoder(folder), inputs)).toEqual(embedAll(await loadEncoder(tinyVit), inputs));
  });
});

describe("a model of ours", () => {
  const network = buildNetwork({
    model_type: "evenkeel-residual-mlp",
    input_shape: [2, 3, 1],
    hidden_size: 5,
    intermediate_size: 7,
    num_hidden_layers: 2,
    embedding_size: 4,
  });

  it("comes back from its folder as it was, with embeddings of length 1", async () => {
    const encoder = { network, weights: initialWeights(network, seededRandom(3)) };
    await write(encoder);
    const inputs = new Uint8Array(5 * 6).map((_, i) => (i * 37) % 256);
    const before = embedAll(encoder, inputs);
    // Sums may be ordered by the size of a batch.
    const after = embedAll(await loadEncoder(folder), inputs, 2);
    after.forEach((value, i) => expect(value).toBeCloseTo(before[i] ?? 0, 6));
    for (let row = 0; row < 5; row++) {
      expect(Math.hypot(...before.subarray(row * 4, row * 4 + 4))).toBeCloseTo(1, 5);
    }
  });

  it.each<[string, (files: Record<string, Uint8Array>) => Record<string, Uint8Array | string>, string]>([
    ["a missing file", (files) => ({ "config.json": files["config.json"] ?? "" }), "model.safetensors cannot be read"],
    ["a config that is no JSON", (files) => ({ ...files, "config.json": "{" }), "config.json is not JSON"],
    [
      "an unknown architecture",
      (files) => ({ ...files, "config.json": '{"model_type":"bert"}' }),
      '"bert" is not one of',
    ],
    [
      "a field out of range",
      (files) => ({ ...files, "config.json": JSON.stringify({ ...network.config, hidden_size: 0 }) }),
      "hidden_size",
    ],
    [
      "a tensor of another shape",
      (files) => ({ ...files, "config.json": JSON.stringify({ ...network.config, embedding_size: 9 }) }),
      "head.weight has shape [4, 5], config.json asks for [9, 5]",
    ],
    [
      "weights cut short",
      (files) => ({ ...files, "model.safetensors": (files["model.safetensors"] ?? new Uint8Array()).slice(0, 40) }),
      "model.safetensors: ",
    ],
  ])("is refused with %s", async (_, spoil, message) => {
    const files = spoil(encoderFiles({ network, weights: initialWeights(network, seededRandom(3)) }));
    for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content);
    await expect(loadEncoder(folder)).rejects.toThrow(message);
  });

  it("is refused with a weight that is not finite", async () => {
    const weights = { ...initialWeights(network, seededRandom(3)), "head.bias": tf.tensor1d([0, Number.NaN, 0, 0]) };
    await write({ network, weights });
    await expect(loadEncoder(folder)).rejects.toThrow("head.bias holds numbers that are not finite");
  });
});

describe("batchOf", () => {
  it("scales bytes to [0, 1] and takes vectors as they are", () => {
    expect([...batchOf(new Uint8Array([0, 255]), [1]).dataSync()]).toEqual([0, 1]);
    expect([...batchOf(new Float32Array([-3, 7]), [2]).dataSync()]).toEqual([-3, 7]);
    expect(() => batchOf(new Uint8Array(3), [2])).toThrow("3 numbers are no batch of 2");
  });
});
