import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { defaultGates, evaluateRequest, judgeGates, type Perturbation, trainRequest } from "../../../src/api/index.ts";
import { runEvaluation } from "../../../src/evaluation/index.ts";
import { embedAll, loadEncoder, startBackend } from "../../../src/model/index.ts";
import { seededRandom } from "../../../src/monitor/index.ts";
import { type Dataset, datasetFiles, openStore, type Store, sourceId16 } from "../../../src/registry/index.ts";
import { runTraining, trainFirstModel } from "../../../src/training/index.ts";

const side = 8;
let root: string;
let store: Store;

beforeAll(async () => {
  await startBackend();
  root = await mkdtemp(join(tmpdir(), "vit-"));
  store = openStore(root);
});
afterAll(() => rm(root, { recursive: true }));

/** Four classes: a bright quarter of a noisy image. */
function quarters(name: string, count: number): Dataset {
  const random = seededRandom(name.length);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 4);
  const inputs = new Uint8Array(count * side * side);
  for (let i = 0; i < count; i++)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const quarter = 2 * Number(y >= side / 2) + Number(x >= side / 2);
        inputs[(i * side + y) * side + x] = (quarter === labels[i] ? 140 : 20) + random.integer(80);
      }
  return {
    modality: "Image",
    shape: [side, side, 1],
    count,
    domainNames: ["base"],
    source: name,
    inputs,
    labels,
    sources: new Uint8Array(Buffer.concat(Array.from({ length: count }, (_, i) => sourceId16(`${name}/${i}`)))),
  };
}

it("a vision transformer goes the whole way: a first model, adapted under attack, judged, loaded again", async () => {
  const reference = await store.putFiles("data/quarters", datasetFiles(quarters("reference", 600)));
  const evaluation = await store.putFiles("data/quarters-evaluation", datasetFiles(quarters("evaluation", 300)));
  const first = await trainFirstModel(store, {
    name: "models/quarters",
    dataset: reference,
    architecture: "vit",
    steps: 200,
    batchSize: 32,
  });
  const perturbations: Perturbation[] = [
    { name: "light", family: "Photometric", kind: "Benign", strength: 0.2 },
    { name: "crafted", family: "Linf", kind: "Adversarial", epsilon: 0.1 },
  ];
  const request = trainRequest.parse({
    kind: "Train",
    run: "ns/vit",
    parent: { digest: first.slice(first.lastIndexOf("@") + 1), uri: first },
    dataset: { reference },
    causeClass: "Attack",
    perturbations,
    seed: 3,
    trainer: { preset: "Adapt", maxSteps: 20, batchSize: 32 },
  });
  const trained = await runTraining(request, store);
  expect(trained).toMatchObject({ exitCode: 0 });
  const bundle = trained.result.bundle ?? first;
  expect(bundle).not.toBe(first);

  const gates = defaultGates("Labelled", "Attack", []);
  const judged = await runEvaluation(
    evaluateRequest.parse({
      kind: "Evaluate",
      run: "ns/vit",
      candidate: bundle,
      active: first,
      baseline: first,
      dataset: { reference, evaluation },
      evaluationData: "Labelled",
      targets: [],
      perturbations,
      gates,
      alpha: 0.025,
      seed: 7,
    }),
    store,
    {
      settings: {
        documents: 200,
        queries: 100,
        attacked: 40,
        attackLost: true,
        budget: { steps: 8, restarts: 1, queries: 10 },
      },
    },
  );
  expect(judged.exitCode).toBe(0);
  const verdicts = new Map(judgeGates(gates, judged.result.gates, 0.025).map((row) => [row.name, row]));
  // The classes are plain, so that what is lost would be lost by the code.
  expect(verdicts.get("clean-accuracy")?.value).toBeGreaterThan(0.9);
  expect(verdicts.get("robust-accuracy")?.value).not.toBeNull();

  const encoder = await loadEncoder(await store.resolve(bundle));
  expect(encoder.network.architecture).toBe("vit");
  const vectors = embedAll(encoder, quarters("served", 3).inputs);
  expect(vectors).toHaveLength(3 * 64);
  expect(vectors.every(Number.isFinite)).toBe(true);
});
