import { createHash } from "node:crypto";

/** The k items whose hashed keys are smallest: a uniform sample of the distinct keys. */
export type BottomSample<Item> = {
  readonly seed: string;
  readonly capacity: number;
  /** In ascending order of rank; at most `capacity`. */
  readonly items: readonly { readonly rank: number; readonly key: string; readonly item: Item }[];
};

export function bottomSample<Item>(seed: string, capacity: number): BottomSample<Item> {
  return { seed, capacity, items: [] };
}

/**
 * Bottom-k sampling (Cohen and Kaplan 2007). Which keys are kept depends on seed and keys alone, not on their order or on how often one
 * is seen, so a client that repeats itself gains no weight, and samples of several pods merge into the fleet's.
 *
 * @returns the sample with the item in it, or the sample as it was
 */
export function offer<Item>(sample: BottomSample<Item>, key: string, item: Item): BottomSample<Item> {
  const rank = rankOf(sample.seed, key);
  const last = sample.items.at(-1);
  if (sample.items.length === sample.capacity && last && rank >= last.rank) return sample;
  if (sample.items.some((kept) => kept.key === key)) return sample;
  const items = [...sample.items, { rank, key, item }].sort((a, b) => a.rank - b.rank).slice(0, sample.capacity);
  return { ...sample, items };
}

/**
 * @returns the sample of the union of both samples' keys
 * @throws {RangeError} when seeds or capacities differ
 */
export function mergeSamples<Item>(a: BottomSample<Item>, b: BottomSample<Item>): BottomSample<Item> {
  if (a.seed !== b.seed || a.capacity !== b.capacity)
    throw new RangeError("samples of another seed or capacity do not merge");
  return b.items.reduce((merged, { key, item }) => offer(merged, key, item), a);
}

/** Whether a key belongs to a share of all keys: the same on every pod and after every restart. */
export function isSampled(seed: string, key: string, share: number): boolean {
  return rankOf(seed, key) < share;
}

/** Uniform in [0, 1), from the first 48 bits of SHA-256. */
function rankOf(seed: string, key: string): number {
  return createHash("sha256").update(`${seed}\n${key}`).digest().readUIntBE(0, 6) / 2 ** 48;
}
