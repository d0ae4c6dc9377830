import { backoffDelay, sleep } from "../kube/index.ts";
import {
  compareProbes,
  consistencyScore,
  type Matrix,
  matrixOf,
  measureRepeatNoise,
  type RepeatNoise,
  row,
  selectRows,
  squeezersOf,
} from "../monitor/index.ts";
import {
  type Dataset,
  DatasetError,
  findPodReference,
  openStore,
  podReferenceFiles,
  podReferenceName,
  readDataset,
  rowsOfSplit,
  takeRows,
} from "../registry/index.ts";
import { EmbedFailed, embed } from "./embed.ts";
import type { EmbedMessage, EmbedOrder } from "./embed-order.ts";
import { type Input, inputsFrom, squeezeInput, writeInput } from "./inputs.ts";
import { protocols } from "./protocols/index.ts";
import { Upstream } from "./upstream.ts";
import { vectorFault } from "./vector-check.ts";

/** Inputs of the calibration split that are embedded at most: enough for 170 reference blocks of 16. */
const mostInputs = 4096;
/** Of those, the ones that are embedded again squeezed: ten of them are over a threshold that flags one in a hundred. */
const mostScored = 1024;
/** Probes, as many as a bundle has (decision 6). */
const mostProbes = 64;
/** Inputs of a request. There is one request at a time: users' own have the rest of the pod. */
const batch = 32;
/** A batch that fails is tried so often, each time after a longer wait. */
const tries = 6;
const retry = { baseMs: 1_000, maxMs: 30_000, jitter: 0.2 };
const timeouts = { connect: 2_000, headers: 60_000, body: 60_000 };
const batchTimeoutMs = 60_000;

/** What the pods gave cannot be what they are watched by. */
export class UnsteadyModel extends Error {
  override readonly name = "UnsteadyModel";
}

/**
 * Embeds the calibration split of a dataset through one pod and puts what it gave into the store: probes with their
 * vectors, reference embeddings, consistency scores. A model that changes meanwhile, or is not the same in every pod,
 * leaves nothing behind.
 *
 * @throws {EmbedFailed} when the pod does not answer, or with something else than one vector of numbers for each input
 * @throws {UnsteadyModel} when the probes' vectors do not hold to the end, in each pod that answers
 * @throws {StoreError | DatasetError}
 */
export async function embedReference(order: EmbedOrder, signal: AbortSignal): Promise<EmbedMessage> {
  const { model, dataset } = order;
  const store = openStore(order.store);
  const key = { service: order.service, model: model.digest, dataset };
  const there = await findPodReference(store, key);
  if (there) return { kind: "Embedded", uri: there, vectors: 0 };
  const taken = calibrationOf(await readDataset(await store.resolve(dataset)));
  const inputs = inputsFrom(taken);
  const probeRows = spread(inputs.length, mostProbes);
  const scoredRows = spread(inputs.length, mostScored);
  const upstreams = order.pods.map(
    ({ name, address }) => new Upstream({ name, digest: model.digest, address, port: order.port, timeouts }),
  );
  try {
    const [first, ...others] = upstreams;
    if (!first) throw new EmbedFailed(`no pod of ${model.uri} is ready`);
    const asked = new Asker(order, first, signal);
    const probeInputs = probeRows.map((index) => inputs[index]!);
    const expected = await asked.embed(probeInputs);
    const noise = measureRepeatNoise([expected, await asked.embed(probeInputs)]);
    const embeddings = await asked.embed(inputs);
    const plain = selectRows(embeddings, scoredRows);
    const squeezed = new Map<string, Float32Array>();
    for (const squeezer of squeezersOf(taken.modality)) {
      const again = await asked.embed(scoredRows.map((index) => squeezeInput(inputs[index]!, squeezer)));
      squeezed.set(squeezer, scoresOf(plain, again));
    }
    const held = await asked.embed(probeInputs);
    if (!agrees(expected, held, noise)) throw new UnsteadyModel(`${first.name} changed while it was asked`);
    for (const other of others) await confirm(order, other, probeInputs, expected, noise, signal);
    const { shape, inputs: rows } = takeRows(taken, probeRows);
    const files = podReferenceFiles({
      model,
      dataset,
      probes: { shape, inputs: rows, count: expected.rows, embeddings: expected.data, dimension: expected.columns },
      reference: {
        count: embeddings.rows,
        dimension: embeddings.columns,
        embeddings: embeddings.data,
        sources: taken.sources,
        live: new Uint8Array(embeddings.rows).fill(1),
        squeezed,
        // What a threat model's benign families look like only training can tell.
        squeezedBenign: new Map(),
      },
    });
    // A gateway that led before may have been as slow: whoever comes second keeps to what is there.
    const uri = (await findPodReference(store, key)) ?? (await store.putFiles(podReferenceName(key), files));
    return { kind: "Embedded", uri, vectors: asked.vectors };
  } finally {
    await Promise.all(upstreams.map((upstream) => upstream.close(0)));
  }
}

/** The same rows in every gateway, and of the whole dataset: sets are often sorted. */
function calibrationOf(dataset: Dataset): Dataset {
  const rows = rowsOfSplit(dataset, ["calibration"]);
  if (rows.length === 0)
    throw new DatasetError("Empty", `${dataset.source}: no input falls into the calibration split`);
  return takeRows(
    dataset,
    spread(rows.length, mostInputs).map((index) => rows[index]!),
  );
}

/** @returns at most `most` of the indices below `count`, evenly spread, in order */
export function spread(count: number, most: number): number[] {
  const taken = Math.min(count, most);
  return Array.from({ length: taken }, (_, i) => Math.floor((i * count) / taken));
}

function scoresOf(plain: Matrix, squeezed: Matrix): Float32Array {
  return Float32Array.from({ length: plain.rows }, (_, i) => consistencyScore(row(plain, i), row(squeezed, i)));
}

function agrees(expected: Matrix, actual: Matrix, noise: RepeatNoise): boolean {
  return actual.columns === expected.columns && compareProbes(expected, actual, noise).match;
}

/** A pod that does not answer says nothing of its model. */
async function confirm(
  order: EmbedOrder,
  pod: Upstream,
  probes: readonly Input[],
  expected: Matrix,
  noise: RepeatNoise,
  signal: AbortSignal,
): Promise<void> {
  const actual = await new Asker(order, pod, signal).once(probes).catch((error: unknown) => {
    if (error instanceof EmbedFailed && !signal.aborted) return null;
    throw error;
  });
  if (actual && !agrees(expected, actual, noise)) {
    throw new UnsteadyModel(
      `pods of ${order.model.uri} give different vectors for the same inputs: ${pod.name} and ${order.pods[0]?.name}`,
    );
  }
}

/** Asks one pod, one batch after another. */
class Asker {
  readonly #order: EmbedOrder;
  readonly #pod: Upstream;
  readonly #signal: AbortSignal;
  vectors = 0;

  constructor(order: EmbedOrder, pod: Upstream, signal: AbortSignal) {
    this.#order = order;
    this.#pod = pod;
    this.#signal = signal;
  }

  async embed(inputs: readonly Input[]): Promise<Matrix> {
    const rows: Float32Array[] = [];
    for (let from = 0; from < inputs.length; from += batch) {
      rows.push(...(await this.#patiently(inputs.slice(from, from + batch))));
    }
    return checked(rows, this.#pod.name);
  }

  /** Without another try. */
  async once(inputs: readonly Input[]): Promise<Matrix> {
    return checked(await this.#ask(inputs), this.#pod.name);
  }

  async #patiently(inputs: readonly Input[]): Promise<Float32Array[]> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#ask(inputs);
      } catch (error) {
        if (!(error instanceof EmbedFailed) || this.#signal.aborted || failures >= tries) throw error;
        await sleep(backoffDelay(failures, retry), this.#signal);
      }
    }
  }

  async #ask(inputs: readonly Input[]): Promise<Float32Array[]> {
    const limit = AbortSignal.any([this.#signal, AbortSignal.timeout(batchTimeoutMs)]);
    const protocol = protocols[this.#order.protocol];
    const vectors = await embed(this.#pod, protocol, inputs.map(writeInput), {}, limit);
    this.vectors += vectors.length;
    return vectors;
  }
}

function checked(rows: readonly Float32Array[], pod: string): Matrix {
  const dimension = rows[0]?.length ?? null;
  const fault = rows.map((vector) => vectorFault(vector, dimension)).find((found) => found !== null);
  if (fault) throw new EmbedFailed(`${pod} gave a vector that cannot be used: ${fault}`);
  return matrixOf(rows);
}
