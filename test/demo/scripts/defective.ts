/**
 * Makes a bundle with a defect that only live traffic shows.
 *
 * The residual MLP gets one coordinate more, which carries the corner pixel, and one unit more in its first block, which
 * reads that coordinate: below half brightness it is silent, above it overflows, and every vector becomes NaN. MNIST's
 * corners are black, and attacks within the gates' budgets do not light them that far, so no gate can see it.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { embedAll, loadEncoder, startBackend } from "../../../src/model/index.ts";
import {
  decodeSafetensors,
  encodeProbes,
  encodeSafetensors,
  openStore,
  readProbes,
  type StoredTensor,
  takeTensor,
} from "../../../src/registry/index.ts";
import { mnist, side } from "../mnist.ts";

const request = z.object({ model: z.string(), folder: z.string() }).parse(JSON.parse(process.argv[2] ?? ""));
await startBackend();
const files: Record<string, Uint8Array> = {};
for (const file of await readdir(request.model)) {
  if (file !== "manifest.json") files[file] = await readFile(join(request.model, file));
}
const config = z
  .looseObject({ hidden_size: z.int(), intermediate_size: z.int(), embedding_size: z.int() })
  .parse(JSON.parse(new TextDecoder().decode(files["config.json"])));
const tensors = decodeSafetensors(files["model.safetensors"] ?? new Uint8Array());
const { hidden_size: width, intermediate_size: inner, embedding_size: dimension } = config;
const pixels = side * side;

const spread = spreadOfHidden(
  takeTensor(tensors, "stem.weight", "F32").data,
  takeTensor(tensors, "stem.bias", "F32").data,
  (await mnist()).gallery.pixels,
);
const changed: Record<string, StoredTensor> = Object.fromEntries(tensors);
// A lit corner stands out by 8 standard deviations, a quarter-lit one by 2: the unit's threshold is 4.
const corner = new Float32Array(pixels);
corner[0] = 8 * spread;
grow("stem.weight", [width, pixels], [width + 1, pixels], (row, column) => (row === width ? (corner[column] ?? 0) : 0));
grow("stem.bias", [width], [width + 1], () => 0);
grow("blocks.0.norm.weight", [width], [width + 1], () => 1);
grow("blocks.0.norm.bias", [width], [width + 1], () => 0);
const steep = 1e35;
grow("blocks.0.up.weight", [inner, width], [inner + 1, width + 1], (row, column) =>
  row === inner && column === width ? steep : 0,
);
grow("blocks.0.up.bias", [inner], [inner + 1], () => -4 * steep);
grow("blocks.0.down.weight", [width, inner], [width + 1, inner + 1], (_, column) => (column === inner ? 1e6 : 0));
grow("blocks.0.down.bias", [width], [width + 1], () => 0);
grow("norm.weight", [width], [width + 1], () => 0);
grow("norm.bias", [width], [width + 1], () => 0);
grow("head.weight", [dimension, width], [dimension, width + 1], () => 0);

files["model.safetensors"] = encodeSafetensors(changed, { format: "pt" });
files["config.json"] = Buffer.from(
  JSON.stringify({ ...config, hidden_size: width + 1, intermediate_size: inner + 1 }, null, 2),
);
const store = openStore(request.folder);
// Its own probes, so that it is answered for what it is.
const draft = await store.resolve(await store.putFiles("drafts/defective", files));
const probes = await readProbes(draft);
const embeddings = embedAll(await loadEncoder(draft), probes.inputs);
const bundle = await store.putFiles("models/digits", { ...files, ...encodeProbes({ ...probes, embeddings }) });
console.log(JSON.stringify({ bundle }));

/** Standard deviation over the hidden coordinates, mean over some images. */
function spreadOfHidden(weight: Float32Array, bias: Float32Array, images: Uint8Array): number {
  let total = 0;
  const count = 100;
  for (let i = 0; i < count; i++) {
    const hidden = Float64Array.from(bias, (b, unit) => {
      let sum = b;
      for (let p = 0; p < pixels; p++) sum += (weight[unit * pixels + p] ?? 0) * ((images[i * pixels + p] ?? 0) / 255);
      return sum;
    });
    const mean = hidden.reduce((a, b) => a + b, 0) / hidden.length;
    total += Math.sqrt(hidden.reduce((a, b) => a + (b - mean) ** 2, 0) / hidden.length);
  }
  return total / count;
}

/** Copies a matrix or vector into a larger one. */
function grow(
  name: string,
  [rows = 0, columns = 1]: number[],
  [moreRows = 0, moreColumns = 1]: number[],
  fill: (row: number, column: number) => number,
): void {
  const { data, shape } = takeTensor(tensors, name, "F32");
  const out = new Float32Array(moreRows * moreColumns);
  for (let row = 0; row < moreRows; row++) {
    for (let column = 0; column < moreColumns; column++) {
      const inside = row < rows && column < columns;
      out[row * moreColumns + column] = inside ? (data[row * columns + column] ?? 0) : fill(row, column);
    }
  }
  changed[name] = { dtype: "F32", shape: shape.length === 1 ? [moreRows] : [moreRows, moreColumns], data: out };
}
