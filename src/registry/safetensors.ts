import { open } from "node:fs/promises";
import { z } from "zod";
import { fieldErrors, inWords } from "./field-errors.ts";

/**
 * The safetensors format (https://huggingface.co/docs/safetensors): 8 bytes little-endian length of the header, the
 * header as JSON `{ name: { dtype, shape, data_offsets } }`, then the numbers, row-major and little endian.
 */
export type StoredTensor =
  | { readonly dtype: "F32"; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: "F64"; readonly shape: readonly number[]; readonly data: Float64Array }
  | { readonly dtype: "I32"; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: "U8"; readonly shape: readonly number[]; readonly data: Uint8Array };
export type StoredTensors = ReadonlyMap<string, StoredTensor>;

/** The bytes are not a safetensors file, or not one with the tensors asked for. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
}

const bytesPer = { F64: 8, F32: 4, I32: 4, U8: 1 } as const;
const largestHeader = 100_000_000; // as in the reference implementation
const described = z.object({
  dtype: z.string(),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
const header = z.record(z.string(), z.unknown());

/** @param metadata  strings for `__metadata__`; `{ format: "pt" }` is what `transformers` expects */
export function encodeSafetensors(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  // Widest first, then by name, as the reference implementation writes them: every tensor is aligned.
  const entries = Object.entries(tensors).sort(
    ([a, x], [b, y]) => bytesPer[y.dtype] - bytesPer[x.dtype] || (a < b ? -1 : a > b ? 1 : 0),
  );
  const head: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (data.length !== elements(shape)) {
      throw new SafetensorsError(`${name}: shape [${shape.join(", ")}] does not hold ${data.length} numbers`);
    }
    head[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(head));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + offset).fill(0x20, 8, 8 + padded);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  let at = 8 + padded;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** @throws {SafetensorsError} */
export function decodeSafetensors(bytes: Uint8Array): StoredTensors {
  const length = headerLength(bytes, bytes.length);
  const body = bytes.subarray(8 + length);
  const found = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, from, to } of parseHeader(bytes.subarray(8, 8 + length))) {
    if (dtype !== "F64" && dtype !== "F32" && dtype !== "I32" && dtype !== "U8") {
      throw new SafetensorsError(`${name}: dtype ${dtype} is not supported, only F64, F32, I32 and U8`);
    }
    if (to > body.length || to - from !== elements(shape) * bytesPer[dtype]) {
      throw new SafetensorsError(
        `${name}: ${dtype} [${shape.join(", ")}] does not fit bytes ${from} to ${to} of ${body.length}`,
      );
    }
    // Copied, because typed arrays must be aligned and a file in memory may not be. (Buffer's slice() would not copy.)
    found.set(name, typed(dtype, shape, new Uint8Array(body.subarray(from, to)).buffer));
  }
  return found;
}

/**
 * Looks at a file of any size, without its numbers: that its header is whole, and that the tensors fill what follows it. Any
 * dtype will do: a model that is only watched needs none of ours.
 *
 * @throws {SafetensorsError}
 */
export async function checkSafetensorsFile(file: string): Promise<void> {
  await using handle = await open(file);
  const { size } = await handle.stat();
  const start = new Uint8Array(8);
  const { bytesRead } = await handle.read(start, 0, 8, 0);
  const length = headerLength(start.subarray(0, bytesRead), size);
  const head = new Uint8Array(length);
  await handle.read(head, 0, length, 8);
  const places = parseHeader(head);
  if (places.length === 0) throw new SafetensorsError("it holds no tensor");
  const end = Math.max(...places.map(({ to }) => to));
  const body = size - 8 - length;
  if (end !== body) throw new SafetensorsError(`its tensors take ${end} bytes, but ${body} follow the header`);
}

/** @returns the tensor of that name and type. @throws {SafetensorsError} when there is none */
export function takeTensor<Type extends StoredTensor["dtype"]>(
  tensors: StoredTensors,
  name: string,
  dtype: Type,
): Extract<StoredTensor, { dtype: Type }> {
  const tensor = tensors.get(name);
  if (!tensor) throw new SafetensorsError(`tensor ${name} is missing; there are ${[...tensors.keys()].join(", ")}`);
  if (!hasType(tensor, dtype)) throw new SafetensorsError(`tensor ${name} is ${tensor.dtype}, not ${dtype}`);
  return tensor;
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

function hasType<Type extends StoredTensor["dtype"]>(
  tensor: StoredTensor,
  dtype: Type,
): tensor is Extract<StoredTensor, { dtype: Type }> {
  return tensor.dtype === dtype;
}

function typed(dtype: StoredTensor["dtype"], shape: readonly number[], buffer: ArrayBuffer): StoredTensor {
  switch (dtype) {
    case "F64":
      return { dtype, shape, data: new Float64Array(buffer) };
    case "F32":
      return { dtype, shape, data: new Float32Array(buffer) };
    case "I32":
      return { dtype, shape, data: new Int32Array(buffer) };
    case "U8":
      return { dtype, shape, data: new Uint8Array(buffer) };
    default:
      return dtype satisfies never;
  }
}

/** Where a tensor lies: bytes `from` to `to` after the header. */
type Place = {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
};

/** @param start  the first 8 bytes at least */
function headerLength(start: Uint8Array, size: number): number {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const length = start.length >= 8 ? Number(view.getBigUint64(0, true)) : Number.NaN;
  if (length <= largestHeader && 8 + length <= size) return length;
  throw new SafetensorsError(`not a safetensors file: its ${size} bytes have no whole header`);
}

function parseHeader(bytes: Uint8Array): Place[] {
  return Object.entries(headerObject(bytes)).flatMap(([name, value]) => {
    if (name === "__metadata__") return [];
    const parsed = described.safeParse(value, { error: inWords });
    if (!parsed.success) throw new SafetensorsError(`${name}: ${fieldErrors(parsed.error)}`);
    const { dtype, shape, data_offsets } = parsed.data;
    return [{ name, dtype, shape, from: data_offsets[0], to: data_offsets[1] }];
  });
}

function headerObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    return header.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (error) {
    throw new SafetensorsError("not a safetensors file: its header is not a JSON object", { cause: error });
  }
}
