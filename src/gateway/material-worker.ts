import { parentPort, workerData } from "node:worker_threads";
import { storeUri } from "../api/index.ts";
import {
  buildReference,
  type ConsistencyThreshold,
  calibrateThreshold,
  encodeReference,
  type Matrix,
  type Reference,
  type Squeezer,
  UnusableReference,
} from "../monitor/index.ts";
import {
  type BundleDescription,
  BundleError,
  openStore,
  type Probes,
  type ReferenceEmbeddings,
  readDescription,
  readProbes,
  readReference,
} from "../registry/index.ts";
import { inputsFrom, writeInput } from "./inputs.ts";
import type { MaterialMessage, MaterialRequest } from "./material-message.ts";
import type { WireInput } from "./protocols/index.ts";

/** Share of clean and of benign inputs that may be flagged. */
const flagRate = 0.01;

async function read(request: MaterialRequest): Promise<MaterialMessage> {
  const { store: root, model, baseline, squeezers } = request;
  const notes: string[] = [];
  const nothing = { kind: "Read", dimension: null, probes: null, drift: null, baseline: null, thresholds: [] } as const;
  if (root === null || !storeUri.safeParse(model.uri).success) {
    return { ...nothing, notes: [`${model.uri} is not in a store that this gateway has`] };
  }
  const store = openStore(root);
  const folder = await store.resolve(model.uri);
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
  const parts = {
    ...nothing,
    dimension: description?.dimension ?? null,
    probes: probes && takeProbes(probes, request.probes),
  };
  if (!embedded) return { ...parts, notes: [...notes, "the bundle brings no reference"] };
  const reference = built(notes, () => build(model.digest, description, embedded, null));
  const first =
    baseline.digest === model.digest
      ? embedded
      : await noting("baseline's reference", store.resolve(baseline.uri).then(readReference));
  const common = first && commonSources(embedded, first);
  const baselineReference =
    common === null
      ? null
      : common.size === sourceSet(embedded).size
        ? "Same"
        : built(notes, () => build(model.digest, description, embedded, common));
  const thresholds = squeezers.flatMap((squeezer) => {
    const threshold = thresholdOf(embedded, squeezer);
    if (!threshold) notes.push(`no threshold for ${squeezer}: the bundle brings too few of its scores`);
    return threshold ? [[squeezer, threshold] as const] : [];
  });
  return { ...parts, drift: reference, baseline: baselineReference, thresholds, notes };
}

function takeProbes(probes: Probes, most: number): { inputs: WireInput[]; expected: Matrix } {
  const rows = Math.min(most, probes.count);
  const columns = probes.dimension;
  return {
    inputs: inputsFrom({ ...probes, count: rows }).map(writeInput),
    expected: { rows, columns, data: probes.embeddings.slice(0, rows * columns) },
  };
}

function thresholdOf(embedded: ReferenceEmbeddings, squeezer: Squeezer): ConsistencyThreshold | null {
  const clean = embedded.squeezed.get(squeezer);
  if (!clean) return null;
  const benign = embedded.squeezedBenign.get(squeezer);
  return calibrateThreshold(clean, benign && benign.length > 0 ? [benign] : [], flagRate);
}

function built(notes: string[], make: () => Reference): Uint8Array | null {
  try {
    return encodeReference(make());
  } catch (error) {
    if (!(error instanceof UnusableReference)) throw error;
    notes.push(`no reference: ${error.message}`);
    return null;
  }
}

/** @param only  sources to take; those that live traffic should look like when null */
function build(
  model: string,
  description: BundleDescription | null,
  embedded: ReferenceEmbeddings,
  only: ReadonlySet<string> | null,
): Reference {
  const { count, dimension: columns, embeddings } = embedded;
  const names = sourceNames(embedded);
  const rows = Array.from({ length: count }, (_, i) => i).filter((i) =>
    only === null ? embedded.live[i] === 1 : only.has(names[i] ?? ""),
  );
  const data = new Float32Array(rows.length * columns);
  rows.forEach((from, to) => data.set(embeddings.subarray(from * columns, (from + 1) * columns), to * columns));
  const { dataset = "", traffic = "" } = description?.reference ?? {};
  return buildReference({
    model,
    inputs: [dataset, traffic, only === null ? "all" : "baseline"].join(" "),
    embeddings: { rows: rows.length, columns, data },
    sources: rows.map((i) => names[i] ?? ""),
    // Any number will do, as long as every gateway takes the same.
    seed: Number.parseInt(model.slice("sha256:".length, "sha256:".length + 7), 16) || 1,
  });
}

function commonSources(a: ReferenceEmbeddings, b: ReferenceEmbeddings): ReadonlySet<string> {
  const other = sourceSet(b);
  return new Set(sourceNames(a).filter((name) => other.has(name)));
}

function sourceSet(embedded: ReferenceEmbeddings): Set<string> {
  return new Set(sourceNames(embedded));
}

function sourceNames({ count, sources }: ReferenceEmbeddings): string[] {
  const bytes = Buffer.from(sources.buffer, sources.byteOffset, sources.byteLength);
  return Array.from({ length: count }, (_, i) => bytes.toString("hex", i * 16, (i + 1) * 16));
}

// A worker's data is what its maker gave it: this is the parsed edge.
const request: MaterialRequest = workerData;
read(request).then(
  (message) => parentPort?.postMessage(message),
  (error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ kind: "Failed", why } satisfies MaterialMessage);
  },
);
