import { parentPort, workerData } from "node:worker_threads";
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
import { openStore, type Probes, type ReferenceEmbeddings } from "../registry/index.ts";
import { inputsFrom, writeInput } from "./inputs.ts";
import type { MaterialMessage, MaterialRequest } from "./material-message.ts";
import { readParts } from "./material-parts.ts";
import type { WireInput } from "./protocols/index.ts";

/** Share of clean and of benign inputs that may be flagged. */
const flagRate = 0.01;

async function read(request: MaterialRequest): Promise<MaterialMessage> {
  const { store: root, model, baseline, squeezers } = request;
  const notes: string[] = [];
  const nothing = { kind: "Read", dimension: null, probes: null, drift: null, baseline: null, thresholds: [] } as const;
  if (root === null) return { ...nothing, source: "Unreadable", notes: ["the gateway has no store"] };
  const store = openStore(root);
  const { source, dimension, inputs, probes, embedded } = await readParts(store, model, request, notes);
  const parts = { ...nothing, source, dimension, probes: probes && takeProbes(probes, request.probes) };
  if (!embedded) return { ...parts, notes };
  const live = liveRows(embedded);
  const reference = built(notes, () => build(model.digest, inputs, embedded, live));
  const first =
    baseline.digest === model.digest ? embedded : (await readParts(store, baseline, request, notes)).embedded;
  const ofBaseline = first && rowsOfSources(embedded, first);
  const same =
    ofBaseline !== null && ofBaseline.length === live.length && ofBaseline.every((row, i) => row === live[i]);
  const baselineReference = same
    ? "Same"
    : ofBaseline && built(notes, () => build(model.digest, inputs, embedded, ofBaseline));
  const thresholds = squeezers.flatMap((squeezer) => {
    const threshold = thresholdOf(embedded, squeezer);
    if (!threshold) notes.push(`no threshold for ${squeezer}: there are too few of its scores`);
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

/** @param rows  those that it is made of */
function build(model: string, inputs: string, embedded: ReferenceEmbeddings, rows: readonly number[]): Reference {
  const { dimension: columns, embeddings } = embedded;
  const data = new Float32Array(rows.length * columns);
  rows.forEach((from, to) => {
    data.set(embeddings.subarray(from * columns, (from + 1) * columns), to * columns);
  });
  return buildReference({
    model,
    inputs,
    embeddings: { rows: rows.length, columns, data },
    sources: rows.map((row) => sourceName(embedded, row)),
    // Any number will do, as long as every gateway takes the same.
    seed: Number.parseInt(model.slice("sha256:".length, "sha256:".length + 7), 16) || 1,
  });
}

/** Rows that live traffic should look like now. */
function liveRows({ count, live }: ReferenceEmbeddings): number[] {
  return Array.from({ length: count }, (_, row) => row).filter((row) => live[row] === 1);
}

/**
 * The baseline's live rows, by their sources, in this model's own embedding: vectors of two models do not compare, the
 * same inputs embedded by one do.
 */
function rowsOfSources(embedded: ReferenceEmbeddings, baseline: ReferenceEmbeddings): number[] {
  const wanted = new Set(liveRows(baseline).map((row) => sourceName(baseline, row)));
  return Array.from({ length: embedded.count }, (_, row) => row).filter((row) => wanted.has(sourceName(embedded, row)));
}

function sourceName({ sources }: ReferenceEmbeddings, row: number): string {
  return Buffer.from(sources.buffer, sources.byteOffset + row * 16, 16).toString("hex");
}

// A worker's data is what its maker gave it: this is the parsed edge.
const request: MaterialRequest = workerData;
read(request).then(
  (message) => parentPort?.postMessage(message, []),
  (error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ kind: "Failed", why } satisfies MaterialMessage, []);
  },
);
