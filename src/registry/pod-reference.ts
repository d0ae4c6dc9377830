import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { digest, type StoreUri, storeUri } from "../api/index.ts";
import {
  BundleError,
  encodeProbes,
  encodeReferenceEmbeddings,
  type Probes,
  type ReferenceEmbeddings,
  readProbes,
  readReference,
} from "./bundle.ts";
import type { Store } from "./contract.ts";
import { parseUri } from "./uri.ts";

const head = z.object({
  model: z.object({ digest, uri: z.string() }),
  dataset: storeUri,
});

const headFile = "pod-reference.json";

/**
 * What a model that evenkeel did not make gives for a dataset, asked for through its pods: the probes and the reference
 * that a bundle would have brought.
 */
export type PodReference = {
  readonly model: { readonly digest: string; readonly uri: string };
  /** What its calibration split was embedded of. */
  readonly dataset: StoreUri;
  readonly probes: Probes;
  readonly reference: ReferenceEmbeddings;
};

export type PodReferenceKey = {
  readonly service: { readonly namespace: string; readonly name: string };
  /** Digest of the model. */
  readonly model: string;
  readonly dataset: StoreUri;
};

/** Whoever knows the model and the dataset finds it by this name: a gateway that starts anew embeds nothing again. */
export function podReferenceName({ service, model, dataset }: PodReferenceKey): string {
  const short = (of: string): string => of.replace("sha256:", "").slice(0, 12);
  return `references/${service.namespace}/${service.name}/${short(model)}-${short(parseUri(dataset).digest)}`;
}

/**
 * The first that was made, so that all gateways take the same: the hash of what they build from it names their sketches.
 *
 * @returns null when there is none yet
 */
export async function findPodReference(store: Store, key: PodReferenceKey): Promise<StoreUri | null> {
  const [first] = await store.list(podReferenceName(key));
  return first ?? null;
}

export function podReferenceFiles({ model, dataset, probes, reference }: PodReference): Record<string, Uint8Array> {
  return {
    [headFile]: Buffer.from(`${JSON.stringify({ model, dataset } satisfies z.input<typeof head>, null, 2)}\n`),
    ...encodeProbes(probes),
    ...encodeReferenceEmbeddings(reference),
  };
}

/** @throws {BundleError} when it is none, or is of another model or dataset than its name says */
export async function readPodReference(folder: string, key: PodReferenceKey): Promise<PodReference> {
  const { model, dataset } = await readHead(folder);
  if (model.digest !== key.model || dataset !== key.dataset) {
    throw new BundleError(`${folder} is of ${model.digest} and ${dataset}, not of ${key.model} and ${key.dataset}`);
  }
  const reference = await readReference(folder);
  if (!reference) throw new BundleError(`${folder} has no reference`);
  return { model, dataset, probes: await readProbes(folder), reference };
}

async function readHead(folder: string): Promise<z.infer<typeof head>> {
  try {
    return head.parse(JSON.parse(await readFile(join(folder, headFile), "utf8")));
  } catch (error) {
    throw new BundleError(`${folder}: ${headFile} cannot be read`, { cause: error });
  }
}
