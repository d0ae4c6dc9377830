import { storeUri } from "../api/index.ts";
import {
  BundleError,
  findPodReference,
  type Probes,
  type ReferenceEmbeddings,
  readDescription,
  readPodReference,
  readProbes,
  readReference,
  type Store,
} from "../registry/index.ts";
import type { MaterialRequest, MaterialSource } from "./material-message.ts";

/** What a model is watched with, as it lies in the store. */
export type MaterialParts = {
  readonly source: Exclude<MaterialSource, "Unreadable">;
  readonly dimension: number | null;
  /** What the reference was embedded from, for its identity. */
  readonly inputs: string;
  readonly probes: Probes | null;
  readonly embedded: ReferenceEmbeddings | null;
};

/**
 * What the model's bundle brings; what it does not bring is taken from what its pods gave.
 *
 * @param notes  gets what is missing, for people
 * @throws {StoreError} when the store cannot be read, or a pinned model is not in it
 */
export async function readParts(
  store: Store,
  model: MaterialRequest["model"],
  { service, dataset }: Pick<MaterialRequest, "service" | "dataset">,
  notes: string[],
): Promise<MaterialParts> {
  const own = await bundleParts(store, model.uri, notes);
  if (own.probes && own.embedded) return { ...own, source: "Bundle" };
  const key = { service, model: model.digest, dataset };
  const found = await findPodReference(store, key);
  if (!found) return { ...own, source: "Awaited" };
  const { probes, reference } = await readPodReference(await store.resolve(found), key);
  return {
    source: "Pods",
    dimension: own.dimension ?? reference.dimension,
    inputs: own.embedded ? own.inputs : `${dataset} `,
    probes: own.probes ?? probes,
    embedded: own.embedded ?? reference,
  };
}

async function bundleParts(store: Store, uri: string, notes: string[]): Promise<Omit<MaterialParts, "source">> {
  if (!storeUri.safeParse(uri).success) {
    notes.push(`${uri} is not in the store`);
    return { dimension: null, inputs: "", probes: null, embedded: null };
  }
  const folder = await store.resolve(uri);
  const noting = async <Value>(what: string, part: Promise<Value>): Promise<Value | null> => {
    try {
      return await part;
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      notes.push(`no ${what}: ${error.message}`);
      return null;
    }
  };
  const description = await noting("description", readDescription(folder));
  const probes = await noting("probes", readProbes(folder));
  const embedded = await noting("reference", readReference(folder));
  if (!embedded) notes.push("the bundle brings no reference");
  const { dataset = "", traffic = "" } = description?.reference ?? {};
  return { dimension: description?.dimension ?? null, inputs: `${dataset} ${traffic}`, probes, embedded };
}
