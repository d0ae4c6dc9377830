import { Worker } from "node:worker_threads";
import {
  type ConsistencyThreshold,
  decodeReference,
  type Matrix,
  type Reference,
  type Squeezer,
} from "../monitor/index.ts";
import type { MaterialMessage, MaterialOrigin, MaterialRequest, MaterialSource } from "./material-message.ts";
import type { WireInput } from "./protocols/index.ts";

/** What there is of a model for watching it. What there is not is null or absent, and its signal is Learning. */
export type Material = {
  readonly model: string;
  readonly source: MaterialSource;
  /** What it was read from; null when nothing was. */
  readonly origin: MaterialOrigin | null;
  /** Numbers of a vector. */
  readonly dimension: number | null;
  /** Whether vectors have the norm 1. */
  readonly normalised: boolean;
  readonly probes: { readonly inputs: readonly WireInput[]; readonly expected: Matrix } | null;
  /** Of RepresentationDrift. */
  readonly drift: Reference | null;
  /** Of ShiftFromBaseline: the baseline's inputs, embedded by this model. It is `drift` itself when both are one. */
  readonly baseline: Reference | null;
  readonly thresholds: ReadonlyMap<Squeezer, ConsistencyThreshold>;
  /** Why something is missing, for people. */
  readonly notes: readonly string[];
};

/** Material of a model that nothing is known of. */
export function noMaterial(model: string, why: string): Material {
  return {
    model,
    source: "Unreadable",
    origin: null,
    dimension: null,
    normalised: false,
    probes: null,
    drift: null,
    baseline: null,
    thresholds: new Map(),
    notes: [why],
  };
}

/**
 * Reads a bundle, or what a model's pods gave, and builds references of it in a thread of its own: hashing and fitting
 * take up to seconds, which requests must not wait for. The same artefact gives the same references in every gateway.
 *
 * @throws {Error} when the store cannot be read: another try may help
 */
export async function loadMaterial(request: MaterialRequest): Promise<Material> {
  const { model, service, dataset } = request;
  const worker = new Worker(new URL("./material-worker.ts", import.meta.url), { workerData: request });
  try {
    const message = await new Promise<MaterialMessage>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`the reader of ${model.uri} ended with code ${code}`)));
    });
    if (message.kind === "Failed") throw new Error(message.why);
    const { source, dimension, normalised, probes, drift, baseline, thresholds, notes } = message;
    const driftReference = drift && decodeReference(drift);
    return {
      model: model.digest,
      source,
      origin: { model, baseline: request.baseline, service, dataset },
      dimension,
      normalised,
      probes,
      drift: driftReference,
      baseline: baseline === "Same" ? driftReference : baseline && decodeReference(baseline),
      thresholds: new Map(thresholds),
      notes,
    };
  } finally {
    await worker.terminate();
  }
}
