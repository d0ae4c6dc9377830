import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encode } from "fast-png";
import { type CapturedSample, type Dataset, elements, readDataset, type Store, unlessGone } from "../registry/index.ts";

/**
 * Writes the captured samples of a report into a folder, images as PNG and vectors as JSON, as long as they are kept.
 *
 * @returns how many were written, and how many are past their TTL
 */
export async function writeCapturedSamples(
  store: Store,
  samples: readonly CapturedSample[],
  folder: string,
): Promise<{ written: number; gone: number }> {
  await mkdir(folder, { recursive: true });
  let written = 0;
  for (const [i, { segment, row }] of samples.entries()) {
    const dataset = await unlessGone(store, segment, readDataset);
    if (!dataset) continue;
    const { extension, content } = fileOf(dataset, row);
    await writeFile(join(folder, `captured-${String(i + 1).padStart(2, "0")}.${extension}`), content);
    written += 1;
  }
  return { written, gone: samples.length - written };
}

function fileOf(dataset: Dataset, row: number): { extension: string; content: Uint8Array } {
  const size = elements(dataset.shape);
  const [from, to] = [row * size, (row + 1) * size];
  if (dataset.modality === "Vector") {
    return { extension: "json", content: Buffer.from(`${JSON.stringify([...dataset.inputs.subarray(from, to)])}\n`) };
  }
  const [height = 1, width = 1, channels = 1] = dataset.shape;
  return {
    extension: "png",
    content: encode({ width, height, channels, depth: 8, data: dataset.inputs.subarray(from, to) }),
  };
}
