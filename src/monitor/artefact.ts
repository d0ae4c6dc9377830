import { createHash } from "node:crypto";
import { z } from "zod";

type NumberArray = Float64Array | Float32Array | Uint32Array | Uint8Array;

/** Named arrays beside a JSON head: what sketches, references and detector states are written as. */
export type Arrays = Readonly<Record<string, NumberArray>>;

/** Bytes that are not what they should be. */
export class CorruptArtefact extends Error {
  override readonly name = "CorruptArtefact";
}

const magic = 0x454b4d31; // EKM1
const arrayTypes = { F64: Float64Array, F32: Float32Array, U32: Uint32Array, U8: Uint8Array } as const;
const layout = z.array(
  z.object({
    name: z.string(),
    type: z.enum(["F64", "F32", "U32", "U8"]),
    length: z
      .int()
      .min(0)
      .max(1 << 26),
  }),
);
const envelope = z.object({ head: z.unknown(), arrays: layout });

/**
 * Layout, little endian: magic (4 bytes), length of the JSON (4), JSON `{ head, arrays: [{ name, type, length }] }`,
 * then the arrays one after the other. The same content always gives the same bytes.
 */
export function encodeArtefact(head: Readonly<Record<string, unknown>>, arrays: Arrays): Uint8Array {
  const entries = Object.entries(arrays);
  const description = entries.map(([name, array]) => ({ name, type: typeOf(array), length: array.length }));
  const json = new TextEncoder().encode(JSON.stringify({ head, arrays: description }));
  const size = entries.reduce((sum, [, array]) => sum + array.byteLength, 8 + json.length);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, json.length, true);
  bytes.set(json, 8);
  let offset = 8 + json.length;
  for (const [, array] of entries) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
    offset += array.byteLength;
  }
  return bytes;
}

/**
 * @param head  schema of the head
 * @throws {CorruptArtefact} when the bytes are cut short, too long, or the head does not fit
 */
export function decodeArtefact<Head>(
  bytes: Uint8Array,
  head: z.ZodType<Head>,
): { head: Head; arrays: Map<string, NumberArray> } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8 || view.getUint32(0, true) !== magic) throw new CorruptArtefact("it does not begin with EKM1");
  const jsonLength = view.getUint32(4, true);
  if (8 + jsonLength > bytes.length) throw new CorruptArtefact("its head is cut short");
  const parsed = envelope.safeParse(parseJson(bytes.subarray(8, 8 + jsonLength)));
  if (!parsed.success) throw new CorruptArtefact(`its head: ${z.prettifyError(parsed.error)}`);
  const checked = head.safeParse(parsed.data.head);
  if (!checked.success) throw new CorruptArtefact(`its head: ${z.prettifyError(checked.error)}`);
  const arrays = new Map<string, NumberArray>();
  let offset = 8 + jsonLength;
  for (const { name, type, length } of parsed.data.arrays) {
    const make = arrayTypes[type];
    const end = offset + length * make.BYTES_PER_ELEMENT;
    if (end > bytes.length) throw new CorruptArtefact(`array ${name} is cut short`);
    // Copied, because the bytes need not be aligned. (A Buffer's slice() would not copy.)
    arrays.set(name, new make(Uint8Array.from(bytes.subarray(offset, end)).buffer));
    offset = end;
  }
  if (offset !== bytes.length) throw new CorruptArtefact(`${bytes.length - offset} bytes follow its arrays`);
  return { head: checked.data, arrays };
}

/** @returns a decoded array of the type and length it must have */
export function takeF64(arrays: Map<string, unknown>, name: string, length?: number): Float64Array {
  const array = arrays.get(name);
  if (array instanceof Float64Array && (length === undefined || array.length === length)) return array;
  throw new CorruptArtefact(`array ${name} is missing or is not F64 of length ${length ?? "any"}`);
}

export function takeF32(arrays: Map<string, unknown>, name: string, length?: number): Float32Array {
  const array = arrays.get(name);
  if (array instanceof Float32Array && (length === undefined || array.length === length)) return array;
  throw new CorruptArtefact(`array ${name} is missing or is not F32 of length ${length ?? "any"}`);
}

export function takeU32(arrays: Map<string, unknown>, name: string, length?: number): Uint32Array {
  const array = arrays.get(name);
  if (array instanceof Uint32Array && (length === undefined || array.length === length)) return array;
  throw new CorruptArtefact(`array ${name} is missing or is not U32 of length ${length ?? "any"}`);
}

export function takeU8(arrays: Map<string, unknown>, name: string, length?: number): Uint8Array {
  const array = arrays.get(name);
  if (array instanceof Uint8Array && (length === undefined || array.length === length)) return array;
  throw new CorruptArtefact(`array ${name} is missing or is not U8 of length ${length ?? "any"}`);
}

/** @returns `sha256:` and the hexadecimal digest */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function typeOf(array: NumberArray): keyof typeof arrayTypes {
  if (array instanceof Float64Array) return "F64";
  if (array instanceof Float32Array) return "F32";
  return array instanceof Uint32Array ? "U32" : "U8";
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new CorruptArtefact("its head is not JSON");
  }
}
