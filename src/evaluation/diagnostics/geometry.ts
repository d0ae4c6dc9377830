/**
 * Alignment (Wang and Isola 2020, eq. 1 with α = 2): mean squared distance of embeddings of an input and of a benign
 * view of it. Small is good.
 *
 * @param vectors  [n × d]; @param views [n × d]
 */
export function alignment(vectors: Float32Array, views: Float32Array, d: number): number {
  let total = 0;
  for (let i = 0; i < vectors.length; i++) total += ((vectors[i] ?? 0) - (views[i] ?? 0)) ** 2;
  return total / (vectors.length / d);
}

/**
 * Uniformity (Wang and Isola 2020, eq. 2 with t = 2): log of the mean of exp(−2‖x − y‖²) over pairs. Low is good: the
 * sphere is used.
 */
export function uniformity(vectors: Float32Array, d: number): number {
  const n = vectors.length / d;
  let total = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) total += Math.exp(-2 * squaredDistance(vectors, d, i, j));
  return Math.log(total / ((n * (n - 1)) / 2));
}

/**
 * Mean silhouette of the labels (Rousseeuw 1987) by cosine distance: from −1, mixed up, to 1, well apart.
 * A label that stands alone counts 0.
 */
export function silhouette(vectors: Float32Array, d: number, labels: ArrayLike<number>): number {
  const n = vectors.length / d;
  let total = 0;
  for (let i = 0; i < n; i++) {
    const sums = new Map<number, { distance: number; count: number }>();
    for (let j = 0; j < n; j++) {
      if (j === i) continue;
      const label = labels[j] ?? 0;
      const sum = sums.get(label) ?? { distance: 0, count: 0 };
      sum.distance += squaredDistance(vectors, d, i, j) / 2;
      sum.count += 1;
      sums.set(label, sum);
    }
    const own = sums.get(labels[i] ?? 0);
    sums.delete(labels[i] ?? 0);
    const others = [...sums.values()].map(({ distance, count }) => distance / count);
    if (!own || others.length === 0) continue;
    const inside = own.distance / own.count;
    const outside = Math.min(...others);
    total += (outside - inside) / Math.max(outside, inside, 1e-12);
  }
  return total / n;
}

function squaredDistance(vectors: Float32Array, d: number, i: number, j: number): number {
  let distance = 0;
  for (let k = 0; k < d; k++) distance += ((vectors[i * d + k] ?? 0) - (vectors[j * d + k] ?? 0)) ** 2;
  return distance;
}
