import * as tf from "@tensorflow/tfjs";
import type { Encoder, Network, Weights } from "../model/index.ts";
import { type CheckpointPlace, loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
import {
  type Curriculum,
  type CurriculumStep,
  nextCurriculum,
  type ProbeMeasure,
  startCurriculum,
} from "./curriculum.ts";
import { adamw, disposeState, holdState, learningRateAt, startOptimiser } from "./optimiser.ts";
import { batchRows } from "./streams.ts";
import type { LogEntry } from "./training-log.ts";

/** Where a step is. */
export type StepContext = {
  readonly step: number;
  readonly steps: number;
  readonly seed: number;
  /** rows of the training data that make this batch */
  readonly rows: Int32Array;
  readonly curriculum: Curriculum;
};

/** What is trained and how: the views of a batch, the loss over them, and how progress is measured. */
export type Recipe = {
  readonly name: string;
  /** trained beside the network and thrown away after it, such as class prototypes */
  readonly heads: Weights;
  /** numbers of attack steps that the curriculum walks along; empty: nothing is attacked and nothing probed */
  readonly attackSteps: readonly number[];
  /** share of the adversarial budget to begin with; 0.5 when absent */
  readonly startScale?: number;
  /** The views of a batch, made outside of the tape. */
  readonly views: (encoder: Encoder, context: StepContext) => tf.NamedTensorMap;
  readonly loss: (encoder: Encoder, heads: Weights, views: tf.NamedTensorMap, context: StepContext) => tf.Scalar;
  readonly probe: (encoder: Encoder, curriculum: Curriculum, step: number) => ProbeMeasure;
};

export type TrainingSettings = {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly averageDecay: number;
  readonly seed: number;
  /** inputs to train on */
  readonly count: number;
  /** steps from one probe and checkpoint to the next */
  readonly interval: number;
};

export type Progress = {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly last: LogEntry;
};

export type TrainingHooks = {
  readonly checkpoint?: CheckpointPlace;
  readonly onProgress?: (progress: Progress) => void;
  /** Stops after the step that is under way; the last checkpoint stays. */
  readonly signal?: AbortSignal;
};

export type Trained = { readonly weights: Weights; readonly steps: number; readonly log: readonly LogEntry[] };

/** The loss was not a finite number, again and again. */
export class Diverged extends Error {
  override readonly name = "Diverged";
}

/** Training was told to stop; it goes on from its checkpoint the next time. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

const mostRollBacks = 8;

/**
 * Trains a network from `initial` weights. Given the same seed, data and backend it gives the same weights, whether or not
 * it was interrupted in between.
 *
 * @returns the moving average of the weights, with those that are not trainable
 * @throws {Diverged} when rolling back did not help
 * @throws {Interrupted} when the signal stopped it
 */
export async function train(
  network: Network,
  initial: Weights,
  recipe: Recipe,
  settings: TrainingSettings,
  hooks: TrainingHooks = {},
): Promise<Trained> {
  const { steps, seed, interval } = settings;
  const split = splitWeights(network, initial, recipe.heads);
  const resumed = hooks.checkpoint ? await loadCheckpoint(hooks.checkpoint) : null;
  let state = resumed?.state ?? startOptimiser(split.trainable);
  let curriculum = resumed?.curriculum ?? startCurriculum(recipe.attackSteps, recipe.startScale);
  const log = resumed?.log ?? [entry(0, "Start", "", curriculum, seed, null, null)];
  let good = holdState(state);

  for (let step = state.step; step < steps; ) {
    if (hooks.signal?.aborted) throw new Interrupted(`stopped at step ${step} of ${steps}`);
    const context = { step, steps, seed, curriculum, rows: batchRows(settings.count, settings.batchSize, seed, step) };
    const rollBacks = log.filter(({ action }) => action === "RollBack").length;
    const { loss, gradients } = gradientStep(recipe, context, split, state.weights);
    if (Number.isFinite(loss)) {
      const learningRate = learningRateAt(step, steps, settings.learningRate) * 0.5 ** rollBacks;
      state = adamw(state, gradients, { ...settings, learningRate });
      step = state.step;
    }
    for (const gradient of Object.values(gradients)) gradient.dispose();

    const due = step % interval === 0 || step === steps;
    if (due || !Number.isFinite(loss)) {
      const average = split.encoderOf(network, state.average);
      const decided = decide(recipe, average, curriculum, step, steps, loss);
      if (decided) {
        curriculum = decided.next;
        log.push(entry(step, decided.action, decided.why, curriculum, seed, decided.measured, loss));
      }
      if (decided?.action === "RollBack") {
        if (rollBacks + 1 > mostRollBacks) throw new Diverged(`rolled back ${rollBacks} times: ${decided.why}`);
        disposeState(state);
        // The step goes on: going back would draw the same batches into the same fate.
        state = { ...holdState(good), step };
      }
      disposeState(good);
      good = holdState(state);
    }
    if (due && hooks.checkpoint && step < steps) await saveCheckpoint(hooks.checkpoint, { state, curriculum, log });
    const last = log.at(-1);
    if (last) hooks.onProgress?.({ step, steps, loss, last });
    // Lets signals and timers through.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { weights } = split.encoderOf(network, state.average);
  const kept = Object.fromEntries(
    network.parameters.map(({ name }) => [name, tf.clone(weights[name] ?? tf.scalar(0))]),
  );
  disposeState(state);
  disposeState(good);
  return { weights: kept, steps, log };
}

type SplitWeights = {
  readonly trainable: Weights;
  readonly encoderOf: (network: Network, trainable: Weights) => Encoder;
  readonly headsOf: (trainable: Weights) => Weights;
  readonly network: Network;
};

/** Weights that move and weights that do not; heads move too, under names of their own. */
function splitWeights(network: Network, initial: Weights, heads: Weights): SplitWeights {
  const headName = (name: string): string => `head:${name}`;
  const fixed: Record<string, tf.Tensor> = {};
  const trainable: Record<string, tf.Tensor> = {};
  for (const { name, trainable: moves } of network.parameters) {
    const weight = initial[name];
    if (!weight) throw new Error(`weight ${name} is missing`);
    (moves ? trainable : fixed)[name] = weight;
  }
  for (const [name, weight] of Object.entries(heads)) trainable[headName(name)] = weight;
  return {
    network,
    trainable,
    encoderOf: (network, weights) => ({ network, weights: { ...weights, ...fixed } }),
    headsOf: (weights) =>
      Object.fromEntries(
        Object.keys(heads).flatMap((name) => {
          const head = weights[headName(name)];
          return head ? [[name, head]] : [];
        }),
      ),
  };
}

/** Loss and gradients of one batch. */
function gradientStep(
  recipe: Recipe,
  context: StepContext,
  { network, encoderOf, headsOf }: SplitWeights,
  weights: Weights,
): { loss: number; gradients: Record<string, tf.Tensor> } {
  const names = Object.keys(weights);
  const { value, gradients } = tf.tidy(() => {
    // Before the tape runs: the attack's own passes must not be on it.
    const views = recipe.views(encoderOf(network, weights), context);
    const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
      const current = Object.fromEntries(tensors.map((tensor, i) => [names[i] ?? "", tensor]));
      return recipe.loss(encoderOf(network, current), headsOf(current), views, context);
    })(Object.values(weights));
    return { value, gradients: Object.fromEntries(grads.map((gradient, i) => [names[i] ?? "", gradient])) };
  });
  const loss = value.dataSync()[0] ?? Number.NaN;
  value.dispose();
  return { loss, gradients };
}

/** @returns null where there is nothing to decide: a recipe without attacks, a loss as it should be */
function decide(
  recipe: Recipe,
  average: Encoder,
  curriculum: Curriculum,
  step: number,
  steps: number,
  loss: number,
): (CurriculumStep & { measured: ProbeMeasure | null }) | null {
  if (!Number.isFinite(loss)) {
    const next = { ...curriculum, scale: curriculum.scale * 0.9 };
    return { action: "RollBack", why: "the loss is not a finite number", next, measured: null };
  }
  if (recipe.attackSteps.length === 0) return null;
  const measured = tf.tidy(() => recipe.probe(average, curriculum, step));
  const limits = { dimension: average.network.dimension, attackSteps: recipe.attackSteps, progress: step / steps };
  return { ...nextCurriculum(curriculum, measured, limits), measured };
}

function entry(
  step: number,
  action: LogEntry["action"],
  why: string,
  { scale, attackSteps, augmentation }: Curriculum,
  seed: number,
  measured: ProbeMeasure | null,
  loss: number | null,
): LogEntry {
  return {
    step,
    action,
    why,
    scale,
    attackSteps,
    augmentation,
    seed,
    clean: measured?.clean ?? null,
    fgsm: measured?.fgsm ?? null,
    robust: measured?.robust ?? null,
    effectiveRank: measured?.effectiveRank ?? null,
    loss: loss !== null && Number.isFinite(loss) ? loss : null,
  };
}
