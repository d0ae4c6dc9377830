import { z } from "zod";
import { Unparsed, type WireInput } from "./protocol.ts";

/**
 * Reads JSON, and what Python's json.dumps makes of floats that JSON cannot hold (NaN, Infinity): they become null.
 *
 * @throws {Unparsed}
 */
export function readJson(body: Uint8Array): unknown {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(text.replaceAll(/(?<=[[,:]\s*)-?(?:NaN|Infinity)(?=\s*[\],}])/g, "null"));
    } catch {
      throw new Unparsed("json", "the body is not JSON");
    }
  }
}

const numbers = z.array(z.number());
const wireInputs = z.union([z.string(), z.array(z.string()), numbers, z.array(numbers)]);

/**
 * Reads the value of `input` or `inputs`: one string, strings, one list of numbers, or lists of numbers.
 *
 * @throws {Unparsed}
 */
export function readInputs(value: unknown): readonly WireInput[] {
  const parsed = wireInputs.safeParse(value);
  if (!parsed.success) throw new Unparsed("shape", "the inputs are neither strings nor lists of numbers");
  const { data } = parsed;
  if (typeof data === "string") return [data];
  if (data.length === 0) throw new Unparsed("empty", "there is no input");
  return typeof data[0] === "number" ? [numbers.parse(data)] : data.filter((input) => typeof input !== "number");
}

/**
 * @param values  numbers; null stands for one that JSON cannot hold
 * @throws {Unparsed}
 */
export function readVector(values: unknown): Float32Array {
  if (!Array.isArray(values)) throw new Unparsed("shape", "a vector is not a list");
  const vector = new Float32Array(values.length);
  for (let j = 0; j < values.length; j++) {
    const value: unknown = values[j];
    if (typeof value === "number") vector[j] = value;
    else if (value === null) vector[j] = Number.NaN;
    else throw new Unparsed("shape", "a vector holds something that is not a number");
  }
  return vector;
}
