import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { jsonOf, perturbation, type StoreUri, storeUri } from "../api/index.ts";
import { buildNetwork, initialWeights, startBackend } from "../model/index.ts";
import { DatasetError, readDataset, requestIdentity, type Store, StoreError } from "../registry/index.ts";
import { bundleFiles } from "./bundle-files.ts";
import { removeCheckpoint } from "./checkpoint.ts";
import { firstModelArchitectures, firstModelConfig } from "./first-model-config.ts";
import { benignFamilies, UnfitPerturbation } from "./perturbations/index.ts";
import { prepareData } from "./prepared-data.ts";
import { inputSpace } from "./presets.ts";
import { firstModelRecipe } from "./recipes/first-model.ts";
import { stream } from "./streams.ts";
import { type TrainingHooks, train } from "./trainer.ts";
import { deviationsOf, trainingData } from "./training-data.ts";

const options = z.object({
  /** where it is stored, such as models/digits */
  name: z.string(),
  /** a labelled dataset */
  dataset: storeUri,
  architecture: z.enum(firstModelArchitectures).optional(),
  /** content of `config.json`; the architecture's preset for the dataset when absent */
  config: z.record(z.string(), z.unknown()).optional(),
  /** what the perturbations are for, where that is known; else each of them tells */
  modality: z.enum(["Image", "Vector"]).optional(),
  /** benign families to train under; without any the model knows its own domain only */
  perturbations: z.array(perturbation).default([]),
  /** benign families that thresholds of the consistency probe come from */
  calibratedOn: z.array(perturbation).default([]),
  steps: z.int().min(1).default(600),
  batchSize: z.int().min(2).default(128),
  learningRate: z.number().gt(0).default(0.001),
  seed: z.int().min(0).default(1),
});
export type FirstModelOptions = z.input<typeof options>;

/** Raised when a first model comes out differently, so that older ones are not taken for it. */
const recipeVersion = 1;

export type FirstModelHooks = Pick<TrainingHooks, "onProgress" | "signal"> & {
  /** Trains from the first step, whatever the same call has left in the store before. */
  readonly restart?: boolean;
};

/**
 * Trains a first model from a labelled dataset. It is kept in the store by all that decides it, so that the same call gives
 * the same bundle at once the next time; one that was interrupted goes on from its checkpoint, to the same bundle.
 *
 * @throws {DatasetError} when the data cannot be used
 * @throws {UnfitPerturbation} when the perturbations are for other data
 * @throws {Interrupted} when the signal stopped it
 */
export async function trainFirstModel(
  store: Store,
  input: FirstModelOptions,
  { restart = false, ...hooks }: FirstModelHooks = {},
): Promise<StoreUri> {
  const { modality, ...wanted } = options.parse(input);
  const backend = await startBackend();
  const identity = requestIdentity({ ...wanted, backend: backend.name, recipeVersion });
  const run = `first-models/${identity.slice(0, 32)}`;
  const checkpoint = { runs: store.runs, run, identity };
  if (restart) await removeCheckpoint(checkpoint);
  const known = restart ? null : await knownBundle(store, run);
  if (known) return known;

  const data = prepareData(await readDataset(await store.resolve(wanted.dataset)));
  const held = data.train.modality;
  if (modality !== undefined && modality !== held) {
    throw new UnfitPerturbation(`the threat model is for ${modality}, the dataset holds ${held}`);
  }
  if (!data.train.labels) {
    throw new DatasetError("Malformed", `${wanted.dataset} has no labels: a first model is trained by them`);
  }
  const network = buildNetwork(
    wanted.config ?? firstModelConfig(wanted.architecture ?? "residual-mlp", data.train.shape),
  );
  const space = inputSpace(data);
  const inputs = trainingData(data.train);
  const weights: Record<string, tf.Tensor> = { ...initialWeights(network, stream(wanted.seed, "weights")) };
  if (data.train.modality === "Vector" && "standardise.mean" in weights) {
    const { means, deviations } = deviationsOf(inputs);
    weights["standardise.mean"] = tf.tensor1d(means);
    weights["standardise.std"] = tf.tensor1d(deviations);
  }
  const { dimension } = network;
  const { steps, batchSize, learningRate, seed } = wanted;
  const benign = benignFamilies(wanted.perturbations, space);
  const recipe = firstModelRecipe({ train: inputs, benign, dimension, seed });
  const interval = Math.max(10, Math.round(steps / 20));
  const settings = { steps, batchSize, learningRate, weightDecay: 0.01, averageDecay: 0.998, seed, interval };
  const trained = await train(network, weights, recipe, { ...settings, count: inputs.count }, { ...hooks, checkpoint });
  const bundle = await store.putFiles(
    wanted.name,
    bundleFiles({
      encoder: { network, weights: trained.weights },
      calibration: data.calibration,
      benign: benignFamilies(wanted.calibratedOn, space),
      log: trained.log,
      description: {
        modality: data.train.modality,
        seed,
        steps,
        backend: backend.name,
        reference: { dataset: wanted.dataset, count: data.calibration.count },
      },
    }),
  );
  await store.runs.write(run, "bundle.json", new TextEncoder().encode(JSON.stringify({ bundle })));
  await removeCheckpoint(checkpoint);
  return bundle;
}

const record = z.object({ bundle: storeUri });

async function knownBundle(store: Store, run: string): Promise<StoreUri | null> {
  const bytes = await store.runs.read(run, "bundle.json");
  // Training again gives the same bundle: what cannot be read must not end the run.
  const known = record.safeParse(bytes === null ? null : jsonOf(new TextDecoder().decode(bytes)));
  if (!known.success) return null;
  const { bundle } = known.data;
  try {
    await store.resolve(bundle);
    return bundle;
  } catch (error) {
    if (error instanceof StoreError && (error.reason === "NotFound" || error.reason === "Corrupt")) return null;
    throw error;
  }
}
