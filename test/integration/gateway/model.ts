import type { StoreUri } from "../../../src/api/index.ts";
import { quantiseVector, seededRandom } from "../../../src/monitor/index.ts";
import {
  datasetFiles,
  encodeProbes,
  encodeReferenceEmbeddings,
  type Store,
  sourceId16,
} from "../../../src/registry/index.ts";
import { answering, serve, type TestServer } from "./rig.ts";

export const inputSize = 8;

/**
 * A small embedding model of vectors: a turn of the input by `angle`, plus a blind spot: a small last number, which
 * quantising takes away, throws the embedding far off. That is what a crafted input uses.
 */
export function embedWith(angle: number, input: readonly number[]): Float32Array {
  const x = Float32Array.from(input);
  const last = x[inputSize - 1] ?? 0;
  const [a = 0, b = 0] = x;
  x[0] = a * Math.cos(angle) - b * Math.sin(angle);
  x[1] = a * Math.sin(angle) + b * Math.cos(angle);
  if (Math.abs(last) > 1e-4 && Math.abs(last) < 0.05) for (let j = 0; j < inputSize - 1; j++) x[j] = -(x[j] ?? 0);
  const length = Math.hypot(...x);
  return x.map((value) => value / length);
}

export function sampleInput(random: ReturnType<typeof seededRandom>): number[] {
  return Array.from({ length: inputSize }, (_, j) => (j < inputSize - 1 ? 1 + 0.3 * random.gaussian() : 0));
}

/** A crafted copy of an input. */
export function crafted(input: readonly number[]): number[] {
  return input.map((value, j) => (j === inputSize - 1 ? 0.01 : value));
}

/** A bundle as training writes it, with probes and reference. */
export async function putBundle(store: Store, angle: number, seed = 1): Promise<StoreUri> {
  const random = seededRandom(seed);
  const rows = (count: number): number[][] => Array.from({ length: count }, () => sampleInput(random));
  const packed = (vectors: readonly ArrayLike<number>[], width: number): Float32Array => {
    const data = new Float32Array(vectors.length * width);
    vectors.forEach((vector, i) => data.set(Float32Array.from(vector), i * width));
    return data;
  };
  const probes = rows(16);
  const inputs = rows(1200);
  const embeddings = inputs.map((input) => embedWith(angle, input));
  const scores = Float32Array.from(inputs, (input, i) => {
    const again = embedWith(angle, [...quantiseVector(Float32Array.from(input))]);
    const own = embeddings[i] ?? again;
    return 1 - own.reduce((sum, value, j) => sum + value * (again[j] ?? 0), 0);
  });
  const description = {
    modality: "Vector",
    shape: [inputSize],
    dimension: inputSize,
    architecture: "residual-mlp",
    normalise: true,
    seed,
    steps: 0,
    backend: "none",
    reference: { dataset: `store://data/test@sha256:${"0".repeat(64)}`, count: inputs.length },
  };
  const sources = new Uint8Array(inputs.length * 16);
  inputs.forEach((_, i) => new DataView(sources.buffer).setUint32(i * 16, i + 1));
  return await store.putFiles("models/test", {
    "evenkeel.json": Buffer.from(JSON.stringify(description)),
    ...encodeProbes({
      shape: [inputSize],
      inputs: packed(probes, inputSize),
      count: probes.length,
      embeddings: packed(
        probes.map((input) => embedWith(angle, input)),
        inputSize,
      ),
      dimension: inputSize,
    }),
    ...encodeReferenceEmbeddings({
      count: inputs.length,
      dimension: inputSize,
      embeddings: packed(embeddings, inputSize),
      sources,
      live: new Uint8Array(inputs.length).fill(1),
      squeezed: new Map([["Quantise", scores]]),
      squeezedBenign: new Map(),
    }),
  });
}

/** A dataset of clean inputs, each a source of its own. */
export async function putInputs(store: Store, count: number, seed = 3): Promise<StoreUri> {
  const random = seededRandom(seed);
  const inputs = new Float32Array(count * inputSize);
  for (let row = 0; row < count; row++) inputs.set(sampleInput(random), row * inputSize);
  const sources = Buffer.concat(Array.from({ length: count }, (_, row) => sourceId16(`test/${row}`)));
  const columns = { shape: [inputSize], count, domainNames: ["base"], source: "test", sources };
  return await store.putFiles("data/test", datasetFiles({ ...columns, modality: "Vector", inputs }));
}

/** A pod's server for such a model, at an address of its own. Requests with a number over `largest` are refused. */
export async function serveModel(
  angle: number,
  at: { host: string; port: number },
  largest = Number.POSITIVE_INFINITY,
): Promise<TestServer> {
  return await serve(
    answering((body, _incoming, response) => {
      const { input } = JSON.parse(body.toString());
      const inputs: number[][] = Array.isArray(input[0]) ? input : [input];
      if (inputs.flat().some((value) => value > largest)) {
        response.writeHead(400, { "content-type": "application/json" }).end('{"error":"too large"}');
        return;
      }
      const data = inputs.map((one, index) => ({ index, embedding: [...embedWith(angle, one)] }));
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ object: "list", data }));
    }),
    at,
  );
}
