/**
 * DDSketch (Masson, Rim and Lee 2019): quantiles of positive values with a relative error of at most α, mergeable by
 * addition. Bucket i counts values in (γ^(i−1), γ^i], γ = (1 + α)/(1 − α).
 *
 * The range is fixed, that of 1 − cosine, so that adding allocates nothing: values up to 1e-5 count as zero.
 */
export type QuantileSketch = { readonly buckets: Float64Array };

export const relativeError = 0.02;
const smallest = 1e-5;
const largest = 2;
const gamma = (1 + relativeError) / (1 - relativeError);
const logGamma = Math.log(gamma);
const firstIndex = Math.ceil(Math.log(smallest) / logGamma);
/** Bucket 0 holds the zeros. */
export const bucketCount = Math.ceil(Math.log(largest) / logGamma) - firstIndex + 2;

export function quantileSketch(): QuantileSketch {
  return { buckets: new Float64Array(bucketCount) };
}

/** Adds one value; negative ones count as zero. */
export function addValue({ buckets }: QuantileSketch, value: number): void {
  const index = value <= smallest ? 0 : Math.ceil(Math.log(value) / logGamma) - firstIndex + 1;
  const bucket = Math.min(index, bucketCount - 1);
  buckets[bucket] = buckets[bucket]! + 1;
}

/**
 * @param q  in [0, 1]
 * @returns the q-quantile within the relative error, NaN when the sketch is empty
 */
export function quantile({ buckets }: QuantileSketch, q: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return Number.NaN;
  const rank = q * (total - 1);
  let seen = 0;
  for (let bucket = 0; bucket < buckets.length; bucket++) {
    seen += buckets[bucket]!;
    // The middle of a bucket in the sense of equal relative error, 2γ^i/(γ + 1).
    if (seen > rank) return bucket === 0 ? 0 : (2 * gamma ** (bucket - 1 + firstIndex)) / (gamma + 1);
  }
  return largest;
}
