import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { contentId16, type Dataset, elements, sourceId16 } from "../registry/index.ts";
import { jsonLines } from "./json-lines.ts";
import { pngFolder } from "./png-folder.ts";
import { PackError, type Row, type RowInput } from "./row.ts";

export type Packed = {
  readonly dataset: Dataset;
  /** the names of the labels 0, 1, 2, …; empty without labels */
  readonly labelNames: readonly string[];
};

/** The domain of rows that name none: the old one. */
const oldDomain = "base";
/** Whoever uses a dataset reads its file as a whole, and Node reads no file of 2 GiB. */
const largest = 2 ** 31 - 2 ** 26;

/**
 * Makes a dataset of a folder with PNG images or of a JSONL file.
 *
 * @throws {PackError} naming the file or line that does not fit
 */
export async function pack(from: string, onProgress: (done: number) => void): Promise<Packed> {
  const what = await stat(from);
  if (!what.isDirectory() && !what.isFile()) throw new PackError(`${from}: it is neither a folder nor a file`);
  const rows = what.isDirectory() ? pngFolder(from) : jsonLines(from);
  const { first, images, vectors, sources, labels, domains } = await gather(rows, onProgress);
  if (!first) throw new PackError(`${from}: it has no inputs`);
  const { shape, modality } = first.input;
  const count = sources.length;
  const labelNames = namesOf(labels);
  if (labelNames.length === 1) {
    throw new PackError(
      `${from}: all ${count} inputs have the label ${labelNames[0]}: give two or more labels, or none`,
    );
  }
  const domainNames = [oldDomain, ...namesOf(domains).filter((name) => name !== oldDomain)];
  if (domainNames.length > 256) throw new PackError(`${from}: ${domainNames.length} domains: at most 256 are allowed`);
  const columns = {
    shape,
    count,
    domainNames,
    source: basename(resolve(from)),
    sources: Buffer.concat(sources),
    ...(labelNames.length > 0 && { labels: Int32Array.from(placesOf(labels, labelNames)) }),
    ...(domainNames.length > 1 && { domains: Uint8Array.from(placesOf(domains, domainNames)) }),
  };
  const dataset: Dataset =
    modality === "Image"
      ? { ...columns, modality, inputs: Buffer.concat(images) }
      : { ...columns, modality, inputs: joined(vectors, count * elements(shape)) };
  return { dataset, labelNames };
}

type Gathered = {
  readonly first: Row | null;
  readonly images: readonly Uint8Array[];
  readonly vectors: readonly Float32Array[];
  readonly sources: readonly Uint8Array[];
  /** empty when there are none */
  readonly labels: readonly string[];
  readonly domains: readonly string[];
};

async function gather(rows: AsyncIterable<Row>, onProgress: (done: number) => void): Promise<Gathered> {
  let first: Row | null = null;
  let bytes = 0;
  const images: Uint8Array[] = [];
  const vectors: Float32Array[] = [];
  const sources: Uint8Array[] = [];
  const labels: string[] = [];
  const domains: string[] = [];
  for await (const row of rows) {
    first ??= row;
    requireAlike(row, first);
    const { input, label, source, domain } = row;
    bytes += input.numbers.byteLength;
    if (bytes > largest)
      throw new PackError(`${row.at}: with it the inputs are over ${largest} bytes, the most a dataset may hold`);
    if (input.modality === "Image") images.push(input.numbers);
    else vectors.push(input.numbers);
    sources.push(source === null ? contentId16(input.numbers) : sourceId16(source));
    if (label !== null) labels.push(label);
    domains.push(domain ?? oldDomain);
    onProgress(row.done);
  }
  return { first, images, vectors, sources, labels, domains };
}

/** All inputs of a dataset have one shape, and all have labels or none has. */
function requireAlike(row: Row, first: Row): void {
  if (row.input.modality !== first.input.modality || row.input.shape.join() !== first.input.shape.join()) {
    throw new PackError(
      `${row.at}: ${described(row.input)}, but ${first.at} has ${described(first.input)}: all must be of one shape`,
    );
  }
  if ((row.label === null) === (first.label === null)) return;
  const has = ({ label }: Row): string => (label === null ? "no label" : `the label ${label}`);
  throw new PackError(`${row.at}: it has ${has(row)}, but ${first.at} has ${has(first)}: all must have one, or none`);
}

function described({ modality, shape }: RowInput): string {
  return modality === "Image" ? `${shape.join(" × ")} (height × width × channels)` : `${shape.join()} numbers`;
}

/** Each name once: by value when all are whole numbers, else by code units. */
function namesOf(names: readonly string[]): string[] {
  const once = [...new Set(names)];
  return once.every((name) => /^[0-9]{1,9}$/.test(name)) ? once.sort((a, b) => Number(a) - Number(b)) : once.sort();
}

function placesOf(names: readonly string[], known: readonly string[]): number[] {
  const places = new Map(known.map((name, place) => [name, place]));
  return names.map((name) => places.get(name) ?? 0);
}

function joined(vectors: readonly Float32Array[], length: number): Float32Array {
  const all = new Float32Array(length);
  let at = 0;
  for (const vector of vectors) {
    all.set(vector, at);
    at += vector.length;
  }
  return all;
}
