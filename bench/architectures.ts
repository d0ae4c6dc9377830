/**
 * Which architecture is the demo's model: both as a first model on MNIST and adapted against attacks, each within the same
 * time, measured on images that nothing else has seen (as the demo's proof does):
 * `node bench/architectures.ts [--first 60] [--adapt 40] [--json]`, seconds of training.
 *
 * Steps are chosen from the time that the first ones take, so the figures depend on the machine and on what else runs.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type StoreUri, trainRequest } from "../src/api/index.ts";
import { startBackend } from "../src/model/index.ts";
import { datasetFiles, openStore } from "../src/registry/index.ts";
import { firstModelArchitectures, runTraining, trainFirstModel } from "../src/training/index.ts";
import { dataset } from "../test/demo/datasets.ts";
import { threatModel } from "../test/demo/manifests.ts";
import { mnist } from "../test/demo/mnist.ts";
import { script } from "../test/demo/process.ts";
import { quality } from "../test/demo/record.ts";

const { values } = parseArgs({
  options: {
    first: { type: "string", default: "60" },
    adapt: { type: "string", default: "40" },
    json: { type: "boolean", default: false },
  },
});
const { perturbations } = trainRequest.pick({ perturbations: true }).parse(threatModel().spec);
const backend = await startBackend();
const folder = await mkdtemp(join(tmpdir(), "architectures-"));
const store = openStore(folder);
const images = await mnist();
const reference = await store.putFiles("data/digits", datasetFiles(dataset(images.reference)));

/** @returns how many steps fit into so many seconds, from what a few take */
async function stepsWithin(seconds: number, train: (steps: number) => Promise<unknown>): Promise<number> {
  const timed = async (steps: number) => {
    const began = performance.now();
    await train(steps);
    return (performance.now() - began) / 1000;
  };
  // The difference leaves out what does not grow with the steps.
  const [few, more] = [await timed(10), await timed(40)];
  return Math.max(40, Math.floor(seconds / ((more - few) / 30)));
}

const figures: Record<string, unknown>[] = [];
for (const architecture of firstModelArchitectures) {
  const train = (steps: number, seed = 1) =>
    trainFirstModel(
      store,
      {
        name: `models/${architecture}`,
        dataset: reference,
        architecture,
        calibratedOn: perturbations.filter(({ kind }) => kind === "Benign"),
        steps,
        seed,
      },
      { restart: true },
    );
  const firstSteps = await stepsWithin(Number(values.first), (steps) => train(steps, 9));
  const first = await train(firstSteps);
  const adapt = async (maxSteps: number): Promise<StoreUri> => {
    const { result } = await runTraining(
      trainRequest.parse({
        kind: "Train",
        run: `bench/${architecture}-${maxSteps}`,
        parent: { digest: first.slice(first.lastIndexOf("@") + 1), uri: first },
        dataset: { reference },
        causeClass: "Attack",
        perturbations,
        seed: 3,
        trainer: { preset: "Adapt", maxSteps },
      }),
      store,
    );
    if (!result.bundle) throw new Error(`${architecture}: ${result.error?.message}`);
    return result.bundle;
  };
  const adaptSteps = await stepsWithin(Number(values.adapt), adapt);
  const adapted = await adapt(adaptSteps);
  for (const [stage, uri, steps] of [
    ["first", first, firstSteps],
    ["adapted", adapted, adaptSteps],
  ] as const) {
    const models = { model: await store.resolve(uri), first: await store.resolve(first) };
    const { clean, shifted, robust, oldIndexRecall } = await script("scripts/prove.ts", models, quality);
    figures.push({ architecture, stage, steps, clean, shifted, robust, oldIndexRecall });
  }
}
if (values.json) console.log(JSON.stringify({ backend: backend.name, figures }));
else console.table(figures);
await rm(folder, { recursive: true });
