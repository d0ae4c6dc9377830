import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  CorruptArtefact,
  decodeArtefact,
  digestOf,
  encodeArtefact,
  takeF32,
  takeF64,
  takeU8,
  takeU32,
} from "./artefact.ts";

const head = z.object({ name: z.string() });
const bytes = encodeArtefact(
  { name: "a" },
  {
    x: Float64Array.of(1.5, -0),
    y: Float32Array.of(0.5),
    z: Uint32Array.of(7, 4_000_000_000),
    w: Uint8Array.of(255, 1, 2),
  },
);

describe("artefacts", () => {
  it("come back as they were, from unaligned bytes too", () => {
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const decoded = decodeArtefact(shifted.subarray(1), head);
    expect(decoded.head).toEqual({ name: "a" });
    expect(takeF64(decoded.arrays, "x", 2)).toEqual(Float64Array.of(1.5, -0));
    expect(takeF32(decoded.arrays, "y", 1)).toEqual(Float32Array.of(0.5));
    expect(takeU32(decoded.arrays, "z")).toEqual(Uint32Array.of(7, 4_000_000_000));
    expect(takeU8(decoded.arrays, "w", 3)).toEqual(Uint8Array.of(255, 1, 2));
    expect(() => takeF64(decoded.arrays, "y")).toThrow("array y is missing or is not F64");
    expect(() => takeF64(decoded.arrays, "x", 3)).toThrow("not F64 of length 3");
  });

  it("the digest is SHA-256", () => {
    expect(digestOf(new TextEncoder().encode("abc"))).toBe(
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  it("every cut is noticed", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeArtefact(bytes.subarray(0, length), head)).toThrow(CorruptArtefact);
    }
  });

  it.each([
    ["bytes after the end", Uint8Array.of(...bytes, 0), /1 bytes follow/],
    ["another magic", Uint8Array.of(0, ...bytes.subarray(1)), /does not begin/],
    ["another head", encodeArtefact({ other: 1 }, {}), /name/],
  ])("%s", (_, changed, message) => {
    expect(() => decodeArtefact(changed, head)).toThrow(message);
  });
});
