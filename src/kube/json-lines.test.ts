import { describe, expect, it } from "vitest";
import { jsonLines } from "./json-lines.ts";

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function read(text: string, size: number): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const batch of jsonLines(inPieces(Buffer.from(text), size))) values.push(...batch);
  return values;
}

describe("jsonLines", () => {
  const values = [{ a: 1 }, { text: "größer — 🙂" }, [], { nested: { line: "a\nb" } }];
  const text = values.map((value) => `${JSON.stringify(value)}\n`).join("");
  const sizes = Array.from({ length: Buffer.byteLength(text) }, (_, n) => n + 1);

  it("gives the same values however the stream is cut", async () => {
    for (const size of sizes) expect(await read(text, size)).toEqual(values);
  });

  it("passes over empty lines", async () => {
    expect(await read("\n1\n\n2\n", 2)).toEqual([1, 2]);
  });

  it.each([
    ['{"a":', "in the middle of a line (5 bytes)"],
    ['{"a":1}', "in the middle of a line (7 bytes)"],
    ["<html>\n", "JSON"],
  ])("throws for %j", async (broken, message) => {
    await expect(read(`1\n${broken}`, 3)).rejects.toThrow(message);
  });
});
