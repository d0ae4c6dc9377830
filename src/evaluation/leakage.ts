import * as tf from "@tensorflow/tfjs";
import { seededRandom } from "../monitor/index.ts";
import { type Dataset, sourceName } from "../registry/index.ts";

/** Rows of a dataset. */
export type Rows = { readonly dataset: Dataset; readonly rows: ArrayLike<number> };

/**
 * Source ids that two or more of the sets share. Anything but 0 makes the evaluation worthless (decision 14).
 *
 * @param sets  each made of rows of one or more datasets
 */
export function sharedSources(sets: readonly (readonly Rows[])[]): number {
  const seenIn = new Map<string, number>();
  const shared = new Set<string>();
  sets.forEach((parts, set) => {
    for (const { dataset, rows } of parts) {
      for (let i = 0; i < rows.length; i++) {
        const id = sourceName(dataset, rows[i] ?? 0);
        const before = seenIn.get(id);
        if (before !== undefined && before !== set) shared.add(id);
        seenIn.set(id, set);
      }
    }
  });
  return shared.size;
}

/** Two inputs are near duplicates when their squared distance is below this share of their squared distance to the mean. */
const nearness = 1e-3;
const projected = 48;
const chunk = 512;

/**
 * Which queries are exact or near duplicates of a training input under another id: the same image stored twice, or
 * re-encoded.
 *
 * The nearest training input is looked for among random projections (Johnson and Lindenstrauss 1984), which a near
 * duplicate cannot escape, and compared with the query in full.
 *
 * @param queries   [n × size]
 * @param training  [m × size]
 * @returns for each query the row of its near duplicate, -1 where there is none
 */
export function nearDuplicates(queries: Float32Array, training: Float32Array, size: number): Int32Array {
  const [n, m] = [queries.length / size, training.length / size];
  const found = new Int32Array(n).fill(-1);
  if (n === 0 || m === 0) return found;
  const random = seededRandom(20_260_104);
  const mean = meanOf(training, size);
  const width = Math.min(projected, size);
  const directions = tf.tensor2d(
    Float32Array.from({ length: size * width }, () => random.gaussian()),
    [size, width],
  );
  const project = (values: Float32Array): tf.Tensor2D =>
    tf.tidy(() =>
      tf.matMul(tf.sub<tf.Tensor2D>(tf.tensor2d(values, [values.length / size, size]), tf.tensor1d(mean)), directions),
    );
  const references = project(training);
  const lengths = tf.sum(tf.square(references), 1);
  for (let from = 0; from < n; from += chunk) {
    const to = Math.min(n, from + chunk);
    const nearest = tf.tidy(() => {
      const own = project(queries.subarray(from * size, to * size));
      // ‖a − b‖² − ‖a‖² = ‖b‖² − 2 a·b
      return tf.argMin(tf.sub(lengths, tf.mul(tf.matMul(own, tf.transpose(references)), 2)), 1);
    });
    nearest.dataSync().forEach((row, i) => {
      const query = queries.subarray((from + i) * size, (from + i + 1) * size);
      if (isNear(query, training.subarray(row * size, (row + 1) * size), mean)) found[from + i] = row;
    });
    nearest.dispose();
  }
  tf.dispose([directions, references, lengths]);
  return found;
}

function isNear(a: Float32Array, b: Float32Array, mean: Float32Array): boolean {
  let distance = 0;
  let spread = 0;
  for (let j = 0; j < a.length; j++) {
    distance += ((a[j] ?? 0) - (b[j] ?? 0)) ** 2;
    spread += ((a[j] ?? 0) - (mean[j] ?? 0)) ** 2;
  }
  return distance <= nearness * spread;
}

function meanOf(values: Float32Array, size: number): Float32Array {
  const sums = new Float64Array(size);
  for (let i = 0; i < values.length; i++) sums[i % size] = (sums[i % size] ?? 0) + (values[i] ?? 0);
  return Float32Array.from(sums, (sum) => sum / (values.length / size));
}
