import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type StoreUri, storeUri } from "../../src/api/index.ts";
import { datasetFiles, openStore } from "../../src/registry/index.ts";
import { dataset } from "./datasets.ts";
import type { Demo } from "./demo.ts";
import { script } from "./process.ts";

/** A reference set whose images are negatives and whose labels were drawn by lot: an untargeted poisoning. */
export async function poisonedDataset(demo: Demo): Promise<StoreUri> {
  const { reference } = demo.images;
  const negatives = reference.pixels.map((value) => 255 - value);
  const labels = Int32Array.from(reference.labels, () => Math.floor(demo.random() * 10));
  const folder = await mkdtemp(join(demo.dir, "poisoned-"));
  const uri = await openStore(folder).putFiles(
    "data/digits",
    datasetFiles(dataset({ ...reference, pixels: negatives, labels })),
  );
  await demo.stage.fillStore(folder);
  return uri;
}

/** The model with one unit more, which overflows when the image's corner is lit and is silent otherwise. */
export async function defectiveBundle(demo: Demo, uri: StoreUri): Promise<StoreUri> {
  const folder = await mkdtemp(join(demo.dir, "defective-"));
  const request = { model: await demo.stage.artefact(uri), folder };
  const { bundle } = await script("scripts/defective.ts", request, z.object({ bundle: storeUri }));
  await demo.stage.fillStore(folder);
  return bundle;
}
