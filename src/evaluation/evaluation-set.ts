import { createHash } from "node:crypto";
import type { EvaluationData } from "../api/index.ts";
import {
  type Dataset,
  DatasetError,
  elements,
  requireClasses,
  type Split,
  sourceName,
  sourceOf,
  splitOf,
} from "../registry/index.ts";

/** Rows that are measured together, in an order that has nothing to do with what they are: the first n are a sample. */
export type Part = {
  readonly count: number;
  /** [count × size], images scaled to [0, 1] */
  readonly inputs: Float32Array;
  /** [count], 0 to classes − 1: the class, or the pair when there are pairs */
  readonly labels: Int32Array;
  /** [count]: a number that names the source */
  readonly sources: Int32Array;
  /** [count]: row in the dataset that the part was dealt from */
  readonly rows: Int32Array;
};

export type EvaluationSet = {
  readonly dataset: Dataset;
  readonly kind: EvaluationData;
  readonly size: number;
  readonly classes: number;
  /** what an index holds: the old domain */
  readonly documents: Part;
  /** queries that gates are measured on, of the old domain and of all others */
  readonly gate: { readonly old: Part; readonly shifted: Part };
  /** queries that no decision depends on */
  readonly proof: { readonly old: Part; readonly shifted: Part };
};

export type Limits = { readonly documents: number; readonly queries: number };

/** Where a source of an evaluation set goes. The training shares are of no use here, so they make the index and the gates. */
const roles: Readonly<Record<Split, "documents" | "gate" | "proof">> = {
  train: "documents",
  control: "gate",
  calibration: "gate",
  gate: "gate",
  proof: "proof",
};

/** Without an evaluation set the reference is measured on, but only on what was never trained on (decision 14). */
const heldOutRoles: Readonly<Record<Split, "documents" | "gate" | "proof" | "none">> = {
  train: "none",
  control: "none",
  calibration: "documents",
  gate: "gate",
  proof: "proof",
};

/**
 * Deals a dataset out to documents, gate queries and proof queries by source.
 *
 * Pairs are rows that share a source: the first of each query source is its document, the others are queries. What is over
 * the limits is left out by chance and not by place: sets are often sorted by label.
 *
 * @param heldOut  whether the dataset is the reference, most of which was trained on
 * @throws {DatasetError} when labels are missing or there is one class, or there are no pairs
 */
export function dealEvaluationSet(
  dataset: Dataset,
  kind: EvaluationData,
  limits: Limits,
  heldOut: boolean,
): EvaluationSet {
  if (kind === "Labelled") {
    if (!dataset.labels)
      throw new DatasetError("Malformed", "evaluationData is Labelled, but the dataset has no labels");
    requireClasses(dataset);
  }
  const sources = numberSources(dataset);
  const { labels, classes } = labelsOf(dataset, kind, sources);
  const picked = { documents: [] as number[], gate: split(), proof: split() };
  const hasDocument = new Set<number>();
  let pairs = 0;
  for (const row of drawnOrder(dataset, sources)) {
    const role = (heldOut ? heldOutRoles : roles)[splitOf(sourceOf(dataset, row))];
    const shifted = (dataset.domains?.[row] ?? 0) > 0;
    const source = sources[row] ?? 0;
    if (role === "none") continue;
    if (role === "documents") {
      if (!shifted && picked.documents.length < limits.documents) picked.documents.push(row);
    } else if (kind === "Pairs" && !hasDocument.has(source)) {
      hasDocument.add(source);
      picked.documents.push(row);
    } else {
      const queries = picked[role][shifted ? "shifted" : "old"];
      if (queries.length < limits.queries) queries.push(row);
      pairs += 1;
    }
  }
  if (kind === "Pairs" && pairs === 0) {
    throw new DatasetError("Malformed", "evaluationData is Pairs, but no two rows of the dataset share a source");
  }
  const part = (rows: readonly number[]): Part => takePart(dataset, rows, labels, sources);
  return {
    dataset,
    kind,
    size: elements(dataset.shape),
    classes,
    documents: part(picked.documents),
    gate: { old: part(picked.gate.old), shifted: part(picked.gate.shifted) },
    proof: { old: part(picked.proof.old), shifted: part(picked.proof.shifted) },
  };
}

/** The rows of a part that are chosen, in its order. */
export function narrow(part: Part, size: number, chosen: (index: number) => boolean): Part {
  const kept = Array.from(part.rows, (_, i) => i).filter(chosen);
  if (kept.length === part.count) return part;
  const inputs = new Float32Array(kept.length * size);
  kept.forEach((from, i) => inputs.set(part.inputs.subarray(from * size, (from + 1) * size), i * size));
  const take = (values: Int32Array): Int32Array => Int32Array.from(kept, (i) => values[i] ?? 0);
  return { count: kept.length, inputs, labels: take(part.labels), sources: take(part.sources), rows: take(part.rows) };
}

/** A sample of a part, of this many rows: its first ones. */
export function firstRows(part: Part, size: number, count: number): Part {
  return narrow(part, size, (i) => i < count);
}

/** Inputs as encoders take them. */
export function scaledInputs(dataset: Dataset, rows: readonly number[]): Float32Array {
  const size = elements(dataset.shape);
  const scaled = new Float32Array(rows.length * size);
  const scale = dataset.modality === "Image" ? 1 / 255 : 1;
  rows.forEach((row, i) => {
    for (let j = 0; j < size; j++) scaled[i * size + j] = (dataset.inputs[row * size + j] ?? 0) * scale;
  });
  return scaled;
}

/**
 * The first row of every source, then the second of every source, and so on, sources by a hash of their ids. The order is the
 * same wherever a source stands in the dataset and alike in each domain, and any first rows are of as many sources as can be.
 */
function drawnOrder(dataset: Dataset, sources: Int32Array): Int32Array {
  const places: string[] = [];
  const seen = new Map<string, number>();
  const turns = Int32Array.from(sources, (source, row) => {
    places[source] ??= createHash("sha256").update("order\0").update(sourceOf(dataset, row)).digest("hex");
    const key = `${source} ${dataset.domains?.[row] ?? 0}`;
    const turn = seen.get(key) ?? 0;
    seen.set(key, turn + 1);
    return turn;
  });
  const place = (row: number): string => places[sources[row] ?? 0] ?? "";
  const before = (a: number, b: number): number => (place(a) < place(b) ? -1 : place(a) > place(b) ? 1 : a - b);
  return Int32Array.from(sources, (_, row) => row).sort((a, b) => (turns[a] ?? 0) - (turns[b] ?? 0) || before(a, b));
}

function split(): { old: number[]; shifted: number[] } {
  return { old: [], shifted: [] };
}

function takePart(dataset: Dataset, rows: readonly number[], labels: Int32Array, sources: Int32Array): Part {
  return {
    count: rows.length,
    inputs: scaledInputs(dataset, rows),
    labels: Int32Array.from(rows, (row) => labels[row] ?? 0),
    sources: Int32Array.from(rows, (row) => sources[row] ?? 0),
    rows: Int32Array.from(rows),
  };
}

function numberSources(dataset: Dataset): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from({ length: dataset.count }, (_, row) => {
    const id = sourceName(dataset, row);
    const number = numbers.get(id) ?? numbers.size;
    numbers.set(id, number);
    return number;
  });
}

/** Labels from 0 on, in the order of their values; sources stand for labels when there are none. */
function labelsOf(
  dataset: Dataset,
  kind: EvaluationData,
  sources: Int32Array,
): { labels: Int32Array; classes: number } {
  if (kind !== "Labelled" || !dataset.labels) {
    return { labels: sources, classes: sources.reduce((most, source) => Math.max(most, source + 1), 0) };
  }
  const values = [...new Set(dataset.labels)].sort((a, b) => a - b);
  const places = new Map(values.map((value, i) => [value, i]));
  return { labels: dataset.labels.map((label) => places.get(label) ?? 0), classes: values.length };
}
