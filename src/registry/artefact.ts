import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type BundleDescription,
  BundleError,
  descriptionFile,
  readDescription,
  readProbes,
  readReference,
} from "./bundle.ts";
import { type Dataset, readDataset } from "./dataset.ts";
import { checkSafetensorsFile } from "./safetensors.ts";
import { whyNotRead } from "./why-not-read.ts";

/** What people put into a store. */
export type Artefact =
  | { readonly kind: "Dataset"; readonly dataset: Dataset }
  /** Without a description it is a foreign model: a Hugging Face folder that is served by a server of its own. */
  | { readonly kind: "Model"; readonly description: BundleDescription | null };

/** The folder is no dataset and no model. */
export class UnknownArtefact extends Error {
  override readonly name = "UnknownArtefact";
}

/**
 * Reads a folder as those will who use it later.
 *
 * @throws {UnknownArtefact}
 * @throws {DatasetError | BundleError} naming the file and the field
 */
export async function inspectArtefact(folder: string): Promise<Artefact> {
  const files = new Set(await readdir(folder));
  if (files.has("dataset.json")) return { kind: "Dataset", dataset: await readDataset(folder) };
  if (files.has("config.json")) return { kind: "Model", description: await inspectModel(folder, files) };
  const there = files.size === 0 ? "nothing" : [...files].toSorted().slice(0, 5).join(", ");
  throw new UnknownArtefact(
    `${folder} is neither a dataset (dataset.json, data.safetensors) nor a model (config.json, model.safetensors): it holds ${there}`,
  );
}

async function inspectModel(folder: string, files: ReadonlySet<string>): Promise<BundleDescription | null> {
  await inside("config.json", async () => {
    const config: unknown = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
    if (typeof config !== "object" || config === null || Array.isArray(config)) throw new Error("it is no JSON object");
  });
  await inside("model.safetensors", () => checkSafetensorsFile(join(folder, "model.safetensors")));
  const description = files.has(descriptionFile) ? await readDescription(folder) : null;
  // A model of ours without probes would serve, but no pod could be told from a wrong one.
  const probes = description || files.has("probes.safetensors") ? await readProbes(folder) : null;
  const reference = await readReference(folder);
  if (!description) return null;
  const expected = { shape: description.shape, dimension: [description.dimension] };
  if (probes) {
    sameSides("probes.safetensors: inputs", probes.shape, expected.shape);
    sameSides("probes.safetensors: embeddings", [probes.dimension], expected.dimension);
  }
  if (reference) sameSides("reference.safetensors: embeddings", [reference.dimension], expected.dimension);
  return description;
}

function sameSides(what: string, found: readonly number[], expected: readonly number[]): void {
  if (found.join() === expected.join()) return;
  throw new BundleError(`${what} are [${found.join(", ")}] each, ${descriptionFile} says [${expected.join(", ")}]`);
}

/** @throws {BundleError} that names the file */
async function inside(file: string, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    const why = error instanceof SyntaxError ? "it is not JSON" : whyNotRead(error);
    throw new BundleError(`${file}: ${why}`, { cause: error });
  }
}
