import { describe, expect, it } from "vitest";
import { decodeSafetensors, encodeSafetensors, takeTensor } from "./safetensors.ts";

describe("safetensors", () => {
  it("writes the bytes of the format: length, header, little-endian numbers", () => {
    const bytes = encodeSafetensors({ a: { dtype: "F32", shape: [1], data: new Float32Array([1]) } }, { format: "pt" });
    const json = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8, " ");
    expect(Buffer.from(bytes.subarray(0, 8)).readBigUInt64LE()).toBe(BigInt(padded.length));
    expect(Buffer.from(bytes.subarray(8, 8 + padded.length)).toString()).toBe(padded);
    expect([...bytes.subarray(8 + padded.length)]).toEqual([0, 0, 0x80, 0x3f]);
  });

  it("reads back what it wrote, from unaligned bytes too", () => {
    const bytes = encodeSafetensors({
      u: { dtype: "U8", shape: [3], data: new Uint8Array([1, 2, 3]) },
      d: { dtype: "F64", shape: [2, 1], data: new Float64Array([Math.PI, -0]) },
      i: { dtype: "I32", shape: [0], data: new Int32Array(0) },
    });
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const tensors = decodeSafetensors(shifted.subarray(1));
    expect(takeTensor(tensors, "d", "F64")).toEqual({
      dtype: "F64",
      shape: [2, 1],
      data: new Float64Array([Math.PI, -0]),
    });
    expect(takeTensor(tensors, "u", "U8").data).toEqual(new Uint8Array([1, 2, 3]));
    expect(takeTensor(tensors, "i", "I32").data).toHaveLength(0);
  });

  const file = (head: unknown, body = 0): Uint8Array => {
    const json = Buffer.from(JSON.stringify(head));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json, Buffer.alloc(body)]);
  };
  it.each([
    ["nothing", new Uint8Array(0), "no whole header"],
    ["a header longer than the file", Buffer.from([255, 0, 0, 0, 0, 0, 0, 0]), "no whole header"],
    ["a header that is no object", file([1]), "not a JSON object"],
    ["an unknown dtype", file({ a: { dtype: "BF16", shape: [1], data_offsets: [0, 2] } }, 2), "BF16 is not supported"],
    ["offsets past the end", file({ a: { dtype: "F32", shape: [2], data_offsets: [0, 8] } }, 4), "does not fit"],
    [
      "offsets that do not fit the shape",
      file({ a: { dtype: "F32", shape: [3], data_offsets: [0, 8] } }, 8),
      "does not fit",
    ],
    ["a negative offset", file({ a: { dtype: "F32", shape: [1], data_offsets: [-4, 0] } }, 4), "data_offsets"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(message);
  });

  it("names the tensors there are when one is missing, and the type it has", () => {
    const tensors = decodeSafetensors(encodeSafetensors({ a: { dtype: "U8", shape: [], data: new Uint8Array(1) } }));
    expect(() => takeTensor(tensors, "b", "U8")).toThrow("tensor b is missing; there are a");
    expect(() => takeTensor(tensors, "a", "F32")).toThrow("tensor a is U8, not F32");
  });
});
