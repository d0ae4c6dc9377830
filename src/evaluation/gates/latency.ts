import * as tf from "@tensorflow/tfjs";
import { type Random, seededRandom } from "../../monitor/index.ts";
import type { Model } from "../model.ts";
import type { Metric } from "./measurement.ts";

const inputs = 100;
const resamples = 1000;
/** Turns take about this long together, so that a fast model is timed often. */
const budgetMs = 3000;
const turns = { least: 8, most: 60 } as const;

/**
 * p99 latency of one input over the active model's, timed on this machine with a bootstrap over inputs.
 *
 * What else the machine does only ever adds to a time: so both models take turns at every input, again and again, and of
 * each input's times the shortest counts.
 */
export const latencyRatio: Metric = {
  name: "LatencyRatio",
  needs: ["Labelled", "Pairs", "None"],
  build: ({ set, models: { candidate, active }, seed }) => {
    const count = Math.min(inputs, set.gate.old.count);
    const input = (i: number): Float32Array => set.gate.old.inputs.subarray(i * set.size, (i + 1) * set.size);
    const fastest = {
      candidate: new Float64Array(count).fill(Infinity),
      active: new Float64Array(count).fill(Infinity),
    };
    const turn = (): void => {
      for (let i = 0; i < count; i++) {
        fastest.candidate[i] = Math.min(fastest.candidate[i] ?? Infinity, time(candidate, input(i)));
        fastest.active[i] = Math.min(fastest.active[i] ?? Infinity, time(active, input(i)));
      }
    };
    const began = performance.now();
    turn();
    const taken = turnsWithin(budgetMs, performance.now() - began);
    for (let n = 1; n < taken; n++) turn();
    return {
      kind: "Statistic",
      value: p99(fastest.candidate) / p99(fastest.active),
      test: (test, _, alpha) => {
        if (test !== "AtMost") return null;
        const bound = ratioBound(fastest.candidate, fastest.active, alpha > 0 ? alpha : 0.05, seededRandom(seed + 97));
        return { bound, p: null, n: count, needed: inputs, note: `shortest of ${taken} turns at each input` };
      },
    };
  },
};

export function turnsWithin(budget: number, oneMs: number): number {
  return Math.floor(Math.min(turns.most, Math.max(turns.least, budget / oneMs)));
}

/** Upper confidence bound of p99(a) / p99(b), by the percentile bootstrap over pairs (Efron 1979). */
export function ratioBound(a: Float64Array, b: Float64Array, alpha: number, random: Random): number {
  const ratios = Float64Array.from({ length: resamples }, () => {
    const rows = Array.from(a, () => random.integer(a.length));
    const of = (times: Float64Array): number => p99(Float64Array.from(rows, (row) => times[row] ?? Number.NaN));
    return of(a) / of(b);
  }).sort();
  return ratios[Math.min(resamples - 1, Math.ceil((1 - alpha) * resamples))] ?? Number.NaN;
}

function time({ embed, shape }: Model, input: Float32Array): number {
  const from = performance.now();
  const vector = tf.tidy(() => embed(tf.tensor(input, [1, ...shape])));
  vector.dataSync();
  const took = performance.now() - from;
  vector.dispose();
  return took;
}

function p99(times: Float64Array): number {
  return times.toSorted()[Math.ceil(0.99 * times.length) - 1] ?? Number.NaN;
}
