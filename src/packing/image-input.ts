import { readFile } from "node:fs/promises";
import { decodePng, PngError, whyNotRead } from "../registry/index.ts";
import { PackError, type RowInput } from "./row.ts";

/** @throws {PackError} naming the file */
export async function imageFile(file: string): Promise<RowInput> {
  const png = await readFile(file).catch((error: unknown) => {
    throw new PackError(`${file}: ${whyNotRead(error)}`);
  });
  return image(png, file);
}

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
