import * as tf from "@tensorflow/tfjs";
import type { Model } from "../model.ts";
import type { Metric } from "./measurement.ts";

const inputsPerRound = 40;
/** Turns of each input; the fastest counts. */
const turns = 3;
/** Rounds take about this long together, so that a fast model's ratio is known well; each is a pair of p99. */
const budgetMs = 4000;
const rounds = { least: 24, most: 120 } as const;

/**
 * p99 latency of one input over the active model's, timed in turns on this machine: the median over rounds, with the
 * sign test's upper confidence bound. What else the machine does only ever adds to a time: so each input has several
 * turns of which the fastest counts, and the median forgets the rounds that were disturbed most.
 */
export const latencyRatio: Metric = {
  name: "LatencyRatio",
  needs: ["Labelled", "Pairs", "None"],
  build: ({ set, models: { candidate, active } }) => {
    const size = set.size;
    const input = (i: number): Float32Array => {
      const row = i % set.gate.old.count;
      return set.gate.old.inputs.subarray(row * size, (row + 1) * size);
    };
    const round = (number: number): number => {
      const times: Record<"candidate" | "active", number[]> = { candidate: [], active: [] };
      for (let i = 0; i < inputsPerRound; i++) {
        const x = input(number * inputsPerRound + i);
        let [fastest, other] = [Infinity, Infinity];
        for (let turn = 0; turn < turns; turn++) {
          fastest = Math.min(fastest, time(candidate, x));
          other = Math.min(other, time(active, x));
        }
        times.candidate.push(fastest);
        times.active.push(other);
      }
      return p99(times.candidate) / p99(times.active);
    };
    const began = performance.now();
    round(0);
    const count = roundsWithin(budgetMs, performance.now() - began);
    const ratios = Float64Array.from({ length: count }, (_, number) => round(number)).sort();
    return {
      kind: "Statistic",
      value: ((ratios[count / 2 - 1] ?? Number.NaN) + (ratios[count / 2] ?? Number.NaN)) / 2,
      test: (test, _, alpha) => {
        if (test !== "AtMost") return null;
        const bound = ratios[medianBound(count, alpha > 0 ? alpha : 0.05)] ?? Infinity;
        return { bound, p: null, n: count * inputsPerRound, needed: rounds.least, note: `median of ${count} rounds` };
      },
    };
  },
};

/** An even number of rounds, so that the median lies between two. */
export function roundsWithin(budget: number, oneMs: number): number {
  const fitting = Math.min(rounds.most, Math.max(rounds.least, budget / oneMs));
  return 2 * Math.floor(fitting / 2);
}

/** Place of the upper confidence bound of a median among n sorted values: the least k with P(Bin(n, ½) > k) ≤ alpha. */
export function medianBound(n: number, alpha: number): number {
  let term = 0.5 ** n;
  let below = term;
  for (let k = 0; k < n; k++) {
    if (1 - below <= alpha) return k;
    term *= (n - k) / (k + 1);
    below += term;
  }
  return n - 1;
}

function time({ embed, shape }: Model, input: Float32Array): number {
  const from = performance.now();
  const vector = tf.tidy(() => embed(tf.tensor(input, [1, ...shape])));
  vector.dataSync();
  const took = performance.now() - from;
  vector.dispose();
  return took;
}

function p99(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.ceil(0.99 * times.length) - 1] ?? Number.NaN;
}
