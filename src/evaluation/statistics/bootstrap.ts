import { type Random, seededRandom } from "../../monitor/index.ts";
import { normalQuantile } from "./normal.ts";
import { type BySource, mean } from "./source-means.ts";

export const defaultResamples = 2000;

/** From this many unlike sources on, drawing each is faster than drawing how often each kind comes. */
const mostKinds = 64;

/**
 * How likely the mean over rows is at most `value` when sources are drawn with replacement (Efron and Tibshirani 1993,
 * chapter 8), for likelihoods of any size: the level halves with each promotion, and is 5e-8 at the twentieth.
 *
 * Resamples are drawn where they matter (importance resampling, Johns 1988), with chances tilted such that their mean is at
 * `value` on average, and each counts by its likelihood ratio:
 *
 *   q(x) ∝ e^{θx},   x = sum − value · rows,   K(θ) = ln E e^{θx},   K′(θ) = 0,   p = E_q [ e^{nK − θΣx} ; Σx ≤ 0 ]
 *
 * e^{nK}, the largest ratio there and a bound of p (Chernoff 1952), is counted once more, as the sample itself is without a
 * tilt, where it gives (1 + those at most `value`) / (1 + resamples).
 */
export function bootstrapTail(scores: BySource, value: number, resamples: number, seed: number): number {
  const tilted = findTilt(kindsOf(scores, value), ({ slope }) => slope <= 0);
  let below = Math.exp(tilted.n * tilted.logMean);
  for (const drawn of resample(tilted, resamples, seed)) if (drawn.value <= value) below += drawn.ratio;
  return Math.min(1, below / (resamples + 1));
}

/**
 * The mean that a resample's lies below with likelihood `p`. Resamples are drawn around it as in `bootstrapTail`, tilted to
 * where a tail of p begins: √(2n (θK′ − K)) = z₁₋ₚ, the signed root of Daniels's saddlepoint (1954).
 */
export function bootstrapQuantile(scores: BySource, p: number, resamples: number, seed: number): number {
  const depth = Math.max(0, normalQuantile(1 - p)) ** 2 / 2;
  const tilted = findTilt(
    kindsOf(scores, mean(scores)),
    ({ n, theta, slope, logMean }) => n * (theta * slope - logMean) >= depth,
  );
  const drawn = resample(tilted, resamples, seed).sort((a, b) => a.value - b.value);
  let below = 0;
  for (const { value, ratio } of drawn) {
    below += ratio;
    if (below >= p * (resamples + 1)) return value;
  }
  return drawn.at(-1)?.value ?? Number.NaN;
}

/** Sources of the same sum and count. Scores of rows take few values, so most sources are alike. */
type Kind = {
  readonly sum: number;
  readonly count: number;
  /** x: by how much the sum is above what a mean of `centre` asks of these rows */
  readonly above: number;
  readonly sources: number;
};

type Kinds = { readonly kinds: readonly Kind[]; readonly n: number; readonly centre: number };

function kindsOf({ sums, counts }: BySource, centre: number): Kinds {
  const kinds = new Map<string, Kind>();
  for (let i = 0; i < sums.length; i++) {
    const [sum, count] = [sums[i] ?? 0, counts[i] ?? 0];
    const key = `${sum} ${count}`;
    kinds.set(key, { sum, count, above: sum - centre * count, sources: (kinds.get(key)?.sources ?? 0) + 1 });
  }
  return { kinds: [...kinds.values()], n: sums.length, centre };
}

/** Kinds, and the chance that a source of each is drawn: e^{θx} times its share. */
type Tilted = Omit<Kinds, "kinds"> & {
  readonly kinds: readonly (Kind & { readonly chance: number })[];
  readonly theta: number;
  /** K(θ) */
  readonly logMean: number;
  /** K′(θ): the mean of x with these chances */
  readonly slope: number;
};

function tilt({ kinds, n, centre }: Kinds, theta: number): Tilted {
  let [most, whole, slope] = [Number.NEGATIVE_INFINITY, 0, 0];
  for (const { above } of kinds) most = Math.max(most, theta * above);
  const parts = kinds.map((kind) => kind.sources * Math.exp(theta * kind.above - most));
  kinds.forEach((kind, k) => {
    whole += parts[k] ?? 0;
    slope += (parts[k] ?? 0) * kind.above;
  });
  return {
    kinds: kinds.map((kind, k) => ({ ...kind, chance: (parts[k] ?? 0) / whole })),
    n,
    centre,
    theta,
    logMean: most + Math.log(whole / n),
    slope: slope / whole,
  };
}

/** The least tilt downwards that is enough; none when none is needed, and a very large one where no tilt is enough. */
function findTilt(kinds: Kinds, isEnough: (tilted: Tilted) => boolean): Tilted {
  const scale = kinds.kinds.reduce((most, { above }) => Math.max(most, Math.abs(above)), 0);
  const none = tilt(kinds, 0);
  if (scale === 0 || isEnough(none)) return none;
  let [less, more] = [0, -1 / scale];
  for (let doubled = 0; doubled < 30 && !isEnough(tilt(kinds, more)); doubled++) [less, more] = [more, 2 * more];
  for (let halved = 0; halved < 30; halved++) {
    const middle = (less + more) / 2;
    if (isEnough(tilt(kinds, middle))) more = middle;
    else less = middle;
  }
  return tilt(kinds, more);
}

/** The mean of one resample, and its likelihood as a share of that with which it was drawn. */
type Drawn = { readonly value: number; readonly ratio: number };

function resample({ kinds, n, centre, theta, logMean }: Tilted, resamples: number, seed: number): Drawn[] {
  const random = seededRandom(seed);
  const draw = kinds.length <= mostKinds ? drawCounts(kinds) : drawEach(kinds);
  return Array.from({ length: resamples }, () => {
    const { sum, count } = draw(n, random);
    return { value: sum / count, ratio: Math.exp(n * logMean - theta * (sum - centre * count)) };
  });
}

/** Sums over n sources. */
type Draw = (n: number, random: Random) => Pick<Kind, "sum" | "count">;

/** How often each kind is drawn is multinomial, drawn as one binomial after the other: a tenth of the work. */
function drawCounts(kinds: Tilted["kinds"]): Draw {
  const rareFirst = kinds.toSorted((a, b) => a.chance - b.chance);
  // Summed from the rare ones on, so that the last share is 1 and none is lost to rounding.
  const upTo = rareFirst.map(() => 0);
  let rest = 0;
  for (let k = rareFirst.length - 1; k >= 0; k--) {
    rest += rareFirst[k]?.chance ?? 0;
    upTo[k] = rest;
  }
  return (n, random) => {
    let [left, sum, count] = [n, 0, 0];
    rareFirst.forEach((kind, k) => {
      const drawn = binomial(left, kind.chance / (upTo[k] ?? 1), random);
      sum += drawn * kind.sum;
      count += drawn * kind.count;
      left -= drawn;
    });
    return { sum, count };
  };
}

/** Successes of n trials, by the gaps between them (Devroye 1986, section X.4.3). */
function binomial(n: number, p: number, random: Random): number {
  if (p >= 1) return n;
  if (p > 0.5) return n - binomial(n, 1 - p, random);
  const failure = Math.log1p(-p);
  let successes = -1;
  for (let trial = 0; trial <= n; successes++) trial += 1 + Math.floor(Math.log(1 - random.uniform()) / failure);
  return successes;
}

/** One source after the other, by Walker's table (1977; built as by Vose 1991). */
function drawEach(kinds: Tilted["kinds"]): Draw {
  const size = kinds.length;
  const own = Float64Array.from(kinds, ({ chance }) => chance * size);
  const other = Int32Array.from(kinds, (_, k) => k);
  const small = [...other].filter((k) => (own[k] ?? 0) < 1);
  const large = [...other].filter((k) => (own[k] ?? 0) >= 1);
  for (
    let k = small.pop(), from = large.at(-1);
    k !== undefined && from !== undefined;
    k = small.pop(), from = large.at(-1)
  ) {
    other[k] = from;
    own[from] = (own[from] ?? 0) - (1 - (own[k] ?? 0));
    if ((own[from] ?? 0) < 1) small.push(large.pop() ?? from);
  }
  const sums = Float64Array.from(kinds, (kind) => kind.sum);
  const counts = Float64Array.from(kinds, (kind) => kind.count);
  return (n, random) => {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < n; i++) {
      const at = (random.uint32() / 4_294_967_296) * size;
      const first = Math.floor(at);
      const k = at - first < (own[first] ?? 0) ? first : (other[first] ?? first);
      sum += sums[k] ?? 0;
      count += counts[k] ?? 0;
    }
    return { sum, count };
  };
}
