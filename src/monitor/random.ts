/** A seeded source of random numbers: the same seed gives the same numbers on every machine. */
export type Random = {
  /** @returns an integer in [0, 2^32) */
  readonly uint32: () => number;
  /** @returns a number in [0, 1) with 53 random bits */
  readonly uniform: () => number;
  /** @returns an integer in [0, bound) */
  readonly integer: (bound: number) => number;
  /** @returns a standard normal number */
  readonly gaussian: () => number;
};

/**
 * xoshiro128** (Blackman and Vigna 2018, https://prng.di.unimi.it), seeded by splitmix32 so that near seeds give
 * unlike streams.
 */
export function seededRandom(seed: number): Random {
  const next = splitmix32(seed);
  return xoshiro128([next(), next(), next(), next()]);
}

/** xoshiro128** from a whole state, for known-value tests. */
export function xoshiro128(state: readonly [number, number, number, number]): Random {
  let [a, b, c, d] = state;
  let spare = Number.NaN;

  const uint32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
  const uniform = (): number => ((uint32() >>> 5) * 67_108_864 + (uint32() >>> 6)) / 9_007_199_254_740_992;
  // Marsaglia's polar method: two normals from a point of the unit disc.
  const gaussian = (): number => {
    if (!Number.isNaN(spare)) {
      const kept = spare;
      spare = Number.NaN;
      return kept;
    }
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const radius = x * x + y * y;
      if (radius > 0 && radius < 1) {
        const scale = Math.sqrt((-2 * Math.log(radius)) / radius);
        spare = y * scale;
        return x * scale;
      }
    }
  };
  return { uint32, uniform, integer: (bound) => Math.floor(uniform() * bound), gaussian };
}

/** Fisher and Yates's shuffle, in place. */
export function shuffle<Item>(items: Item[], random: Random): Item[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    const [a, b] = [items[last], items[other]];
    if (a !== undefined && b !== undefined) {
      items[last] = b;
      items[other] = a;
    }
  }
  return items;
}

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}
