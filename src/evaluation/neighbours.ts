import * as tf from "@tensorflow/tfjs";

/** Vectors of length 1 that queries are looked up in: [m × d]. */
export type Index = { readonly vectors: Float32Array; readonly dimension: number };

/** For each query the rows of its k nearest vectors, nearest first: [n × k]. */
export type Neighbours = { readonly rows: Int32Array; readonly k: number; readonly n: number };

const chunk = 1024;

/**
 * The k nearest by cosine. A query whose vector is not finite has no neighbours: its rows are -1, so that a broken model
 * is never right by chance.
 *
 * @param queries  [n × d], of length 1
 */
export function nearest(queries: Float32Array, index: Index, k = 10): Neighbours {
  const d = index.dimension;
  const n = queries.length / d;
  const m = index.vectors.length / d;
  if (!Number.isInteger(n) || !Number.isInteger(m)) throw new RangeError(`queries and index are not of dimension ${d}`);
  const wanted = Math.min(k, m);
  const rows = new Int32Array(n * wanted);
  const documents = tf.tidy(() => tf.transpose(tf.tensor2d(finite(index.vectors), [m, d])));
  for (let from = 0; from < n; from += chunk) {
    const part = queries.subarray(from * d, Math.min(n, from + chunk) * d);
    const found = tf.tidy(
      () => tf.topk(tf.matMul(tf.tensor2d(finite(part), [part.length / d, d]), documents), wanted).indices,
    );
    rows.set(found.dataSync<"int32">(), from * wanted);
    found.dispose();
  }
  documents.dispose();
  for (let i = 0; i < n; i++) {
    const query = queries.subarray(i * d, (i + 1) * d);
    if (!query.every(Number.isFinite)) rows.fill(-1, i * wanted, (i + 1) * wanted);
  }
  return { rows, k: wanted, n };
}

function finite(values: Float32Array): Float32Array {
  return values.every(Number.isFinite) ? values : values.map((value) => (Number.isFinite(value) ? value : 0));
}

/**
 * Majority label of the neighbours, ties to the label that comes first; -1 where there are none.
 *
 * @param labels  of the index's rows
 */
export function vote({ rows, k, n }: Neighbours, labels: Int32Array): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => {
    const counts = new Map<number, number>();
    for (const row of rows.subarray(i * k, (i + 1) * k)) {
      if (row >= 0) counts.set(labels[row] ?? -1, (counts.get(labels[row] ?? -1) ?? 0) + 1);
    }
    let winner = -1;
    let most = 0;
    for (const [label, count] of counts) {
      if (count > most) [winner, most] = [label, count];
    }
    return winner;
  });
}

/**
 * Recall@k capped at k (Thakur et al. 2021, R_cap@k): relevant neighbours over min(k, relevant documents). With labels a
 * document is relevant when it has the query's label; with pairs each has one.
 */
export function cappedRecall(neighbours: Neighbours, queryLabels: Int32Array, labels: Int32Array): Float64Array {
  const { rows, k, n } = neighbours;
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  return Float64Array.from({ length: n }, (_, i) => {
    const own = queryLabels[i] ?? -1;
    const relevant = Math.min(k, sizes.get(own) ?? 0);
    let found = 0;
    for (const row of rows.subarray(i * k, (i + 1) * k)) if (row >= 0 && labels[row] === own) found += 1;
    return relevant > 0 ? found / relevant : 0;
  });
}

/** Share of neighbours that two lookups have in common, query by query: overlap@k. */
export function overlap(a: Neighbours, b: Neighbours): Float64Array {
  return Float64Array.from({ length: a.n }, (_, i) => {
    const seen = new Set(a.rows.subarray(i * a.k, (i + 1) * a.k));
    seen.delete(-1);
    let shared = 0;
    for (const row of b.rows.subarray(i * b.k, (i + 1) * b.k)) if (seen.has(row)) shared += 1;
    return shared / a.k;
  });
}
