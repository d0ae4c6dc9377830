import { type Random, seededRandom } from "../monitor/index.ts";

const purposes = [
  "epoch",
  "benign",
  "attack",
  "probe",
  "weights",
  "regularizer",
  "reference",
  "second-view",
  "control",
] as const;
export type Purpose = (typeof purposes)[number];

/**
 * The random numbers of one purpose in one step. Each step has streams of its own, so that a run which resumes at a step
 * draws what the uninterrupted run would have drawn there.
 */
export function stream(seed: number, purpose: Purpose, step = 0): Random {
  const mixed =
    Math.imul(seed + 1, 0x9e3779b1) ^
    Math.imul(step + 1, 0x85ebca6b) ^
    Math.imul(purposes.indexOf(purpose) + 1, 0xc2b2ae35);
  return seededRandom(mixed >>> 0);
}

/**
 * The rows of a step's batch: every row once an epoch, in an order drawn anew for each.
 *
 * @param count  rows there are; a batch is never larger
 */
export function batchRows(count: number, batchSize: number, seed: number, step: number): Int32Array {
  const size = Math.min(count, batchSize);
  const batches = Math.floor(count / size);
  const order = permutation(count, stream(seed, "epoch", Math.floor(step / batches)));
  const from = (step % batches) * size;
  return order.slice(from, from + size);
}

/** A sample of 0 … count − 1, ascending; all of them when there are no more than `most`. */
export function sampleRows(count: number, most: number, random: Random): Int32Array {
  return permutation(count, random).slice(0, most).sort();
}

/** Fisher and Yates's shuffle of 0 … count − 1. */
export function permutation(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    const kept = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = kept;
  }
  return order;
}
