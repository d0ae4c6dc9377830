import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useWasm } from "../../test/harness/wasm-backend.ts";
import { buildNetwork, embed, initialWeights, type Weights } from "../model/index.ts";
import { openStore } from "../registry/index.ts";
import { adamw, learningRateAt, startOptimiser } from "./optimiser.ts";
import { batchRows, stream } from "./streams.ts";
import { type Recipe, type TrainingSettings, train } from "./trainer.ts";

await useWasm();
vi.setConfig({ testTimeout: 60_000 });
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trainer-"));
});
afterEach(() => rm(folder, { recursive: true }));

const network = buildNetwork({
  model_type: "evenkeel-residual-mlp",
  input_shape: [3],
  hidden_size: 4,
  intermediate_size: 4,
  num_hidden_layers: 1,
  embedding_size: 2,
});
const initial = initialWeights(network, stream(1, "weights"));
const settings: TrainingSettings = {
  steps: 12,
  batchSize: 4,
  learningRate: 0.01,
  weightDecay: 0.01,
  averageDecay: 0.9,
  seed: 5,
  count: 10,
  interval: 3,
};
const data = tf.tidy(() => Float32Array.from({ length: 30 }, (_, i) => Math.sin(i)));

/** Embeddings are drawn to the first axis; robust accuracy is told by a table. */
function recipe(overrides: Partial<Recipe> = {}): Recipe {
  return {
    name: "Test",
    heads: { pull: tf.tensor2d([1, 0], [1, 2]) },
    attackSteps: [2, 3],
    views: (_, { rows }) => ({
      batch: tf.tensor2d(Float32Array.from([...rows].flatMap((row) => [...data.subarray(row * 3, row * 3 + 3)])), [
        rows.length,
        3,
      ]),
    }),
    loss: (encoder, { pull }, { batch }) => {
      if (!pull || !batch) throw new Error("no head or batch");
      return tf.mean(tf.square(tf.sub(embed(encoder, batch), pull))).asScalar();
    },
    probe: (_, __, step) => ({ clean: 0.9, fgsm: 0.8, robust: 0.6 + 0.02 * step, effectiveRank: 2 }),
    ...overrides,
  };
}
const numbers = (weights: Weights): number[] => Object.values(weights).flatMap((weight) => [...weight.dataSync()]);

describe("train", () => {
  it("gives the same weights from the same seed, others from another, and lowers the loss", async () => {
    const losses: number[] = [];
    const once = await train(network, initial, recipe(), settings, { onProgress: ({ loss }) => losses.push(loss) });
    const again = await train(network, initial, recipe(), settings);
    const other = await train(network, initial, recipe(), { ...settings, seed: 6 });
    expect(numbers(again.weights)).toEqual(numbers(once.weights));
    expect(again.log).toEqual(once.log);
    expect(numbers(other.weights)).not.toEqual(numbers(once.weights));
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
  });

  it("resumes from its checkpoint to the same weights and the same log", async () => {
    const whole = await train(network, initial, recipe(), settings);
    const checkpoint = { runs: openStore(folder).runs, run: "ns/run", identity: "me" };
    const stop = new AbortController();
    const interrupted = train(network, initial, recipe(), settings, {
      checkpoint,
      signal: stop.signal,
      onProgress: ({ step }) => step === 7 && stop.abort(),
    });
    await expect(interrupted).rejects.toThrow("stopped at step 7 of 12");
    const steps: number[] = [];
    const resumed = await train(network, initial, recipe(), settings, {
      checkpoint,
      onProgress: ({ step }) => steps.push(step),
    });
    expect(steps[0]).toBe(7);
    expect(numbers(resumed.weights)).toEqual(numbers(whole.weights));
    expect(resumed.log).toEqual(whole.log);
  });

  it("never takes up the checkpoint of another run, nor a damaged one", async () => {
    const { runs } = openStore(folder);
    const place = { runs, run: "ns/run", identity: "me" };
    await train(network, initial, recipe(), settings, { checkpoint: place });
    const first = async (identity: string): Promise<number | undefined> => {
      const steps: number[] = [];
      await train(network, initial, recipe(), settings, {
        checkpoint: { ...place, identity },
        onProgress: ({ step }) => steps.push(step),
      });
      return steps[0];
    };
    expect(await first("me")).toBe(10);
    expect(await first("another")).toBe(1);
    await runs.write("ns/run", "checkpoint.safetensors", new Uint8Array(20));
    expect(await first("me")).toBe(1);
  });

  it("rolls back when the attack falls through, and logs why", async () => {
    const robust = [0.6, 0.7, 0.1, 0.65];
    const { log } = await train(
      network,
      initial,
      recipe({
        probe: (_, __, step) => ({ clean: 0.9, fgsm: 0.8, robust: robust[step / 3 - 1] ?? 0, effectiveRank: 2 }),
      }),
      settings,
    );
    expect(log.map(({ action }) => action)).toEqual(["Start", "Hold", "Raise", "RollBack", "Hold"]);
    expect(log[3]).toMatchObject({
      step: 9,
      attackSteps: 3,
      robust: 0.1,
      why: expect.stringContaining("catastrophic overfitting"),
    });
  });

  it("gives up with a reason when the loss is never finite", async () => {
    const sound = recipe();
    const broken = recipe({ loss: (...given) => tf.mul(sound.loss(...given), Number.NaN).asScalar() });
    await expect(train(network, initial, broken, settings)).rejects.toThrow("the loss is not a finite number");
  });

  it("keeps no tensors but the result", async () => {
    const shared = recipe();
    await train(network, initial, shared, settings);
    const before = tf.memory().numTensors;
    const { weights } = await train(network, initial, shared, settings);
    expect(tf.memory().numTensors - before).toBe(Object.keys(weights).length);
  });
});

describe("adamw", () => {
  it("takes a first step of the learning rate against the gradient's sign, after decay", () => {
    const state = startOptimiser({ w: tf.tensor2d([1, -2], [1, 2]), b: tf.tensor1d([3]) });
    const gradients = { w: tf.tensor2d([0.5, -4], [1, 2]), b: tf.tensor1d([1]) };
    const next = adamw(state, gradients, { learningRate: 0.1, weightDecay: 0.5, averageDecay: 0.99 });
    const w = [...(next.weights["w"]?.dataSync() ?? [])];
    expect(w[0]).toBeCloseTo(1 * (1 - 0.05) - 0.1, 5);
    expect(w[1]).toBeCloseTo(-2 * (1 - 0.05) + 0.1, 5);
    expect(next.weights["b"]?.dataSync()[0]).toBeCloseTo(2.9, 5);
    const decay = 2 / 11;
    expect(next.average["b"]?.dataSync()[0]).toBeCloseTo(3 * decay + 2.9 * (1 - decay), 5);
  });
});

describe("schedules", () => {
  it("warms up, peaks and falls to a twentieth", () => {
    const rates = Array.from({ length: 100 }, (_, step) => learningRateAt(step, 100, 1));
    expect(rates[0]).toBeCloseTo(0.2);
    expect(Math.max(...rates)).toBeCloseTo(1);
    expect(rates.at(-1)).toBeLessThan(0.06);
  });

  it("shows every row once an epoch", () => {
    const rows = [0, 1, 2, 3].flatMap((step) => [...batchRows(8, 2, 1, step)]);
    expect(rows.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(batchRows(3, 10, 1, 0)).toHaveLength(3);
  });
});
