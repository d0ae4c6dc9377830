import type { TrainRequest } from "../api/index.ts";
import { type Encoder, embedAll, initialWeights, type Weights } from "../model/index.ts";
import { requestIdentity } from "../registry/index.ts";
import { adversarialFamilies, benignFamilies, type InputSpace } from "./perturbations/index.ts";
import type { PreparedData } from "./prepared-data.ts";
import { adaptRecipe } from "./recipes/adapt.ts";
import { pretrainRecipe } from "./recipes/pretrain.ts";
import { stream } from "./streams.ts";
import type { Recipe, TrainingSettings } from "./trainer.ts";
import { deviationsOf, trainingData } from "./training-data.ts";

export type Plan = { readonly recipe: Recipe; readonly initial: Weights; readonly settings: TrainingSettings };

/** What a request comes to: the weights to begin with, the recipe and its settings. */
export function planTraining(request: TrainRequest, parent: Encoder, data: PreparedData): Plan {
  const { trainer, seed, perturbations } = request;
  const train = trainingData(data.train);
  const control = trainingData(data.control);
  const space = inputSpace(data);
  const benign = benignFamilies(perturbations, space);
  const adversarial = adversarialFamilies(perturbations, space);
  const settings: TrainingSettings = {
    steps: trainer.maxSteps,
    batchSize: trainer.batchSize,
    learningRate: trainer.learningRate,
    weightDecay: 0.01,
    averageDecay: 0.998,
    seed,
    count: train.count,
    interval: Math.max(10, Math.round(trainer.maxSteps / 20)),
  };
  switch (trainer.preset) {
    case "Adapt": {
      const anchors = {
        train: embedAll(parent, data.train.inputs),
        control: embedAll(parent, data.control.inputs),
      };
      const emphasis = request.causeClass === "Attack" ? "Adversarial" : "Benign";
      const recipe = adaptRecipe({ train, control, anchors, benign, adversarial, emphasis, seed });
      return { recipe, initial: parent.weights, settings };
    }
    case "Pretrain": {
      const { dimension } = parent.network;
      const recipe = pretrainRecipe({ train, control, benign, adversarial, dimension, seed });
      // Standardisation is a fact of the data, and stays.
      const kept = parent.network.parameters.filter(({ trainable }) => !trainable).map(({ name }) => name);
      const fresh = initialWeights(parent.network, stream(seed, "weights"));
      const initial = Object.fromEntries(
        Object.entries(fresh).map(([name, weight]) => [
          name,
          kept.includes(name) ? (parent.weights[name] ?? weight) : weight,
        ]),
      );
      return { recipe, initial, settings };
    }
    default:
      return trainer.preset satisfies never;
  }
}

export function inputSpace({ train }: Pick<PreparedData, "train">): InputSpace {
  const { modality, shape } = train;
  if (modality === "Image") return { modality, shape };
  return { modality, shape, deviations: deviationsOf(trainingData(train)).deviations };
}

/** Everything that decides a run's outcome, hashed: a checkpoint of another run is never taken up. */
export function runIdentity(request: TrainRequest, backend: string): string {
  return requestIdentity({ ...request, backend });
}
