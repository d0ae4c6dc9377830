import * as tf from "@tensorflow/tfjs";
import { type Encoder, embed } from "../../model/index.ts";
import type { Metric } from "./measurement.ts";

/** What a server embeds at once: the default of `evenkeel serve`. */
const servedBatch = 64;

/**
 * Memory of serving over the active model's: weights, and all that a forward pass of 64 inputs holds at its end, which is
 * its peak, as a server frees nothing before. Counted in the tensors' bytes, not asked of the system: the same on every
 * backend and every machine, and what a backend adds of its own it adds to both.
 */
export const memoryRatio: Metric = {
  name: "MemoryRatio",
  needs: ["Labelled", "Pairs", "None"],
  build: ({ models }) => {
    const candidate = servingMemory(models.candidate.encoder);
    const active = servingMemory(models.active.encoder);
    const value = total(candidate) / total(active);
    const note = `${mebibytes(candidate)}, active ${mebibytes(active)}, at a batch of ${servedBatch}`;
    return {
      kind: "Statistic",
      value,
      // Nothing is drawn, so that the value is its own bound.
      test: (test) => (test === "AtMost" ? { bound: value, p: null, n: servedBatch, needed: servedBatch, note } : null),
    };
  },
};

/** In bytes. */
export type ServingMemory = { readonly weights: number; readonly activations: number };

export function servingMemory(encoder: Encoder): ServingMemory {
  const weights = Object.values(encoder.weights).reduce(
    (sum, { size, dtype }) => sum + size * tf.util.bytesPerElement(dtype),
    0,
  );
  const before = tf.memory().numBytes;
  const activations = tf.tidy(() => {
    embed(encoder, tf.zeros([servedBatch, ...encoder.network.inputShape]));
    return tf.memory().numBytes - before;
  });
  return { weights, activations };
}

function total({ weights, activations }: ServingMemory): number {
  return weights + activations;
}

function mebibytes(memory: ServingMemory): string {
  return `${Number((total(memory) / 2 ** 20).toPrecision(3))} MiB`;
}
