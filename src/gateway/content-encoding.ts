import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { Unparsed } from "./protocols/index.ts";

const decoders = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
} as const;

/**
 * The plain bytes of a body.
 *
 * @param limit  most bytes that may come out
 * @throws {Unparsed}
 */
export async function decodeContent(body: Buffer, encoding: string | null, limit: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? "identity";
  if (name === "identity" || name === "") return body;
  if (!isKnown(name)) throw new Unparsed("encoding", `content encoding ${name} is unknown`);
  try {
    return await decoders[name](body, { maxOutputLength: limit });
  } catch (error) {
    throw new Unparsed("encoding", `${name}: ${error instanceof Error ? error.message : "unreadable"}`);
  }
}

function isKnown(name: string): name is keyof typeof decoders {
  return Object.hasOwn(decoders, name);
}
