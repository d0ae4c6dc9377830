import { readFile } from "node:fs/promises";
import { decodePng, PngError, whyNotRead } from "../registry/index.ts";
import { PackError, type RowInput } from "./row.ts";

/**
 * @param at  the place that names the file, when it was not found by looking
 * @throws {PackError} naming the file
 */
export async function imageFile(file: string, at: string | null = null): Promise<RowInput> {
  const called = at === null ? file : `${at}: ${file}`;
  const png = await readFile(file).catch((error: unknown) => {
    throw new PackError(`${called}: ${whyNotRead(error)}${at === null ? "" : `; ${whatTextIs}`}`);
  });
  return image(png, called);
}

const whatTextIs = "a string is the path of a PNG file: text is not supported yet";

/** @throws {PackError} */
export function image(png: Buffer, at: string): RowInput {
  try {
    const { shape, pixels } = decodePng(png);
    return { modality: "Image", shape, numbers: pixels };
  } catch (error) {
    if (error instanceof PngError) throw new PackError(`${at}: ${error.message}`);
    throw error;
  }
}
