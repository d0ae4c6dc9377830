import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { useWasm } from "../../test/harness/wasm-backend.ts";
import { buildNetwork, embedAll, initialWeights } from "../model/index.ts";
import { seededRandom } from "../monitor/index.ts";
import { readProbes, sourceId16, type VectorDataset } from "../registry/index.ts";
import { bundleFiles } from "./bundle-files.ts";

it("takes probes of every class of a sorted dataset, each with its own vector", async () => {
  await useWasm();
  const network = buildNetwork({
    model_type: "evenkeel-residual-mlp",
    input_shape: [2],
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    embedding_size: 4,
  });
  const encoder = { network, weights: initialWeights(network, seededRandom(1)) };
  const count = 1000;
  const calibration: VectorDataset = {
    modality: "Vector",
    shape: [2],
    count,
    domainNames: ["base"],
    source: "",
    sources: Uint8Array.from(Array.from({ length: count }, (_, i) => [...sourceId16(`${i}`)]).flat()),
    inputs: Float32Array.from({ length: 2 * count }, (_, at) => (at % 2 === 0 ? Math.floor(at / 400) : at / 2000)),
  };
  const description = { modality: "Vector", seed: 3, steps: 0, backend: "wasm" } as const;
  const files = bundleFiles({ encoder, calibration, benign: [], log: [], description });
  const folder = await mkdtemp(join(tmpdir(), "evenkeel-bundle-"));
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    const probes = await readProbes(folder);
    expect(probes.count).toBe(64);
    const inputs = Float32Array.from(probes.inputs);
    expect(new Set(inputs.filter((_, at) => at % 2 === 0))).toEqual(new Set([0, 1, 2, 3, 4]));
    expect([...probes.embeddings]).toEqual([...embedAll(encoder, inputs)]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
