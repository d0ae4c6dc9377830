import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { fieldErrors, inWords } from "./field-errors.ts";
import { makeFolder } from "./files.ts";
import { decodeSafetensors, elements, encodeSafetensors, type StoredTensor, takeTensor } from "./safetensors.ts";
import { defaultSalt, type Split, splitOf } from "./splits.ts";
import { whyNotRead } from "./why-not-read.ts";

export type DatasetErrorReason = "Malformed" | "Empty" | "OneClass" | "NotFinite" | "Attacked";

/** The data cannot be used, and would not be the next time either (exit code 10 in Jobs). */
export class DatasetError extends Error {
  override readonly name = "DatasetError";
  readonly reason: DatasetErrorReason;

  constructor(reason: DatasetErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

const head = z.object({
  modality: z.enum(["Image", "Vector"]),
  shape: z.array(z.int().min(1)).min(1).max(3),
  count: z.int().min(0),
  domains: z.array(z.string()).max(256).default(["base"]),
  source: z.string().default(""),
});

type Columns = {
  /** of one input: [height, width, channels] for images, [d] for vectors */
  readonly shape: readonly number[];
  readonly count: number;
  /** names of the domains; 0 is the old one */
  readonly domainNames: readonly string[];
  /** where the data came from, for people */
  readonly source: string;
  /** [N × 16]: first 16 bytes of the SHA-256 of each source id */
  readonly sources: Uint8Array;
  /** [N] */
  readonly labels?: Int32Array;
  /** [N], index into domainNames */
  readonly domains?: Uint8Array;
  /** [N × 16]: who sent it, hashed alike */
  readonly clients?: Uint8Array;
  /** [N], milliseconds since 1970 */
  readonly times?: Float64Array;
};
export type ImageDataset = Columns & {
  readonly modality: "Image";
  /** [N × h × w × c], 0 to 255 */
  readonly inputs: Uint8Array;
};
export type VectorDataset = Columns & {
  readonly modality: "Vector";
  /** [N × d] */
  readonly inputs: Float32Array;
};
export type Dataset = ImageDataset | VectorDataset;

const headFile = "dataset.json";
const dataFile = "data.safetensors";
export const datasetFileNames: readonly string[] = [headFile, dataFile];

/** @throws {DatasetError} Malformed, Empty or NotFinite */
export async function readDataset(folder: string): Promise<Dataset> {
  const json = await readPart(folder, headFile);
  const bytes = await readPart(folder, dataFile);
  const description = parsed(headFile, () => head.parse(JSON.parse(json.toString("utf8")), { error: inWords }));
  const dataset = parsed(dataFile, () => decode(description, bytes));
  checkDataset(dataset);
  return dataset;
}

function parsed<Value>(file: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    const why =
      error instanceof z.ZodError
        ? fieldErrors(error)
        : error instanceof SyntaxError
          ? "it is not JSON"
          : error instanceof Error
            ? error.message
            : "unreadable";
    throw new DatasetError("Malformed", `${file}: ${why}`, { cause: error });
  }
}

export async function writeDataset(folder: string, dataset: Dataset): Promise<void> {
  await makeFolder(folder);
  for (const [file, content] of Object.entries(datasetFiles(dataset))) await writeFile(join(folder, file), content);
}

/** The files of a dataset artefact, for `Store.putFiles`. */
export function datasetFiles(dataset: Dataset): Record<string, Uint8Array> {
  const { modality, shape, count, domainNames, source } = dataset;
  const tensors: Record<string, StoredTensor> = {
    inputs:
      dataset.modality === "Image"
        ? { dtype: "U8", shape: [count, ...shape], data: dataset.inputs }
        : { dtype: "F32", shape: [count, ...shape], data: dataset.inputs },
    sources: { dtype: "U8", shape: [count, 16], data: dataset.sources },
  };
  if (dataset.labels) tensors["labels"] = { dtype: "I32", shape: [count], data: dataset.labels };
  if (dataset.domains) tensors["domains"] = { dtype: "U8", shape: [count], data: dataset.domains };
  if (dataset.clients) tensors["clients"] = { dtype: "U8", shape: [count, 16], data: dataset.clients };
  if (dataset.times) tensors["times"] = { dtype: "F64", shape: [count], data: dataset.times };
  const json = JSON.stringify({ modality, shape, count, domains: domainNames, source }, null, 2);
  return { [headFile]: Buffer.from(`${json}\n`), [dataFile]: encodeSafetensors(tensors) };
}

/** The inputs of these rows, in this order. */
export function takeRows(dataset: Dataset, rows: ArrayLike<number>): Dataset {
  const { labels, domains, clients, times } = dataset;
  const columns = {
    shape: dataset.shape,
    count: rows.length,
    domainNames: dataset.domainNames,
    source: dataset.source,
    sources: gather(dataset.sources, 16, rows, new Uint8Array(rows.length * 16)),
    ...(labels && { labels: gather(labels, 1, rows, new Int32Array(rows.length)) }),
    ...(domains && { domains: gather(domains, 1, rows, new Uint8Array(rows.length)) }),
    ...(clients && { clients: gather(clients, 16, rows, new Uint8Array(rows.length * 16)) }),
    ...(times && { times: gather(times, 1, rows, new Float64Array(rows.length)) }),
  };
  const size = elements(dataset.shape);
  return dataset.modality === "Image"
    ? { ...columns, modality: "Image", inputs: gather(dataset.inputs, size, rows, new Uint8Array(rows.length * size)) }
    : {
        ...columns,
        modality: "Vector",
        inputs: gather(dataset.inputs, size, rows, new Float32Array(rows.length * size)),
      };
}

/** The rows whose source falls into one of the splits, in dataset order. */
export function rowsOfSplit(dataset: Dataset, wanted: readonly Split[], salt: string = defaultSalt): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < dataset.count; row++) {
    if (wanted.includes(splitOf(sourceOf(dataset, row), salt))) rows.push(row);
  }
  return Int32Array.from(rows);
}

/** @returns the 16 bytes of a row's source id */
export function sourceOf(dataset: Pick<Dataset, "sources">, row: number): Uint8Array {
  return dataset.sources.subarray(row * 16, row * 16 + 16);
}

/** A row's source as text, to be looked up by. */
export function sourceName(dataset: Pick<Dataset, "sources">, row: number): string {
  return Buffer.from(sourceOf(dataset, row)).toString("hex");
}

/** @throws {DatasetError} OneClass when there are labels and all are the same */
export function requireClasses(dataset: Dataset): void {
  if (!dataset.labels) return;
  const [first] = dataset.labels;
  if (dataset.labels.every((label) => label === first)) {
    throw new DatasetError("OneClass", `all ${dataset.count} labels are ${first}: at least two classes are needed`);
  }
}

/** @throws {DatasetError} Malformed, Empty or NotFinite */
export function checkDataset(dataset: Dataset): void {
  const { count, shape, modality } = dataset;
  if (modality === "Image" && shape.length !== 3) {
    throw new DatasetError("Malformed", `shape [${shape.join(", ")}]: an image has [height, width, channels]`);
  }
  if (modality === "Vector" && shape.length !== 1) {
    throw new DatasetError("Malformed", `shape [${shape.join(", ")}]: a vector has [d]`);
  }
  if (count === 0) throw new DatasetError("Empty", "the dataset has no inputs");
  const lengths: [string, ArrayLike<unknown> | undefined, number][] = [
    ["inputs", dataset.inputs, elements(shape)],
    ["sources", dataset.sources, 16],
    ["labels", dataset.labels, 1],
    ["domains", dataset.domains, 1],
    ["clients", dataset.clients, 16],
    ["times", dataset.times, 1],
  ];
  for (const [name, column, width] of lengths) {
    if (column && column.length !== count * width) {
      throw new DatasetError("Malformed", `${name} holds ${column.length} numbers, not ${count} × ${width}`);
    }
  }
  const unknown = dataset.domains?.find((domain) => domain >= dataset.domainNames.length);
  if (unknown !== undefined) {
    throw new DatasetError("Malformed", `domains: ${unknown} has no name, there are ${dataset.domainNames.length}`);
  }
  if (dataset.modality === "Vector") {
    const bad = dataset.inputs.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const d = elements(shape);
      throw new DatasetError(
        "NotFinite",
        `inputs[${Math.floor(bad / d)}][${bad % d}] is ${dataset.inputs[bad]}: numbers must be finite`,
      );
    }
  }
}

function decode(
  { modality, shape, count, domains: domainNames, source }: z.infer<typeof head>,
  bytes: Uint8Array,
): Dataset {
  const tensors = decodeSafetensors(bytes);
  const shaped = <Tensor extends StoredTensor>(name: string, tensor: Tensor, expected: readonly number[]): Tensor => {
    if (tensor.shape.length === expected.length && tensor.shape.every((side, i) => side === expected[i])) return tensor;
    throw new DatasetError(
      "Malformed",
      `${dataFile}: ${name} has shape [${tensor.shape.join(", ")}], ${headFile} says [${expected.join(", ")}]`,
    );
  };
  const columns: Columns = {
    shape,
    count,
    domainNames,
    source,
    sources: shaped("sources", takeTensor(tensors, "sources", "U8"), [count, 16]).data,
    ...(tensors.has("labels") && { labels: shaped("labels", takeTensor(tensors, "labels", "I32"), [count]).data }),
    ...(tensors.has("domains") && { domains: shaped("domains", takeTensor(tensors, "domains", "U8"), [count]).data }),
    ...(tensors.has("clients") && {
      clients: shaped("clients", takeTensor(tensors, "clients", "U8"), [count, 16]).data,
    }),
    ...(tensors.has("times") && { times: shaped("times", takeTensor(tensors, "times", "F64"), [count]).data }),
  };
  return modality === "Image"
    ? { ...columns, modality, inputs: shaped("inputs", takeTensor(tensors, "inputs", "U8"), [count, ...shape]).data }
    : { ...columns, modality, inputs: shaped("inputs", takeTensor(tensors, "inputs", "F32"), [count, ...shape]).data };
}

async function readPart(folder: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, file));
  } catch (error) {
    throw new DatasetError("Malformed", `${folder} is not a dataset: ${file} cannot be read: ${whyNotRead(error)}`, {
      cause: error,
    });
  }
}

function gather<Numbers extends Uint8Array | Float32Array | Int32Array | Float64Array>(
  from: Numbers,
  width: number,
  rows: ArrayLike<number>,
  into: Numbers,
): Numbers {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    into.set(from.subarray(row * width, (row + 1) * width), i * width);
  }
  return into;
}
