import * as tf from "@tensorflow/tfjs";
import type { Squeezer } from "../../monitor/index.ts";
import { seededRandom } from "../../monitor/index.ts";
import type { Ball } from "./ball.ts";
import type { Embed } from "./objectives.ts";
import { type Attack, type Budget, gatingAttacks, type Target } from "./suite.ts";

/** A model, the index it is looked up in, and the rule by which an answer is right. */
export type Victim = {
  readonly embed: Embed;
  /** of one input */
  readonly shape: readonly number[];
  readonly dimension: number;
  /** [C × d], of length 1 */
  readonly prototypes: Float32Array;
  /** @returns for each vector [n × d] whether it is still answered rightly for its row */
  readonly isRight: (vectors: Float32Array, rows: ArrayLike<number>) => boolean[];
};

export type Queries = {
  /** [n × D], scaled as the encoder takes them */
  readonly inputs: Float32Array;
  /** [n]: the prototype that each belongs to */
  readonly labels: Int32Array;
};

export type Setting = {
  readonly ball: Ball;
  readonly budget: Budget;
  readonly squeezers: readonly Squeezer[];
  readonly seed: number;
  readonly attacks?: readonly Attack[];
  /** called after each batch of each attack with the share of work that is done */
  readonly onProgress?: (share: number) => void;
};

export type WorstCase = {
  /** [n]: 1 where no attack made the answer wrong, and it was right to begin with */
  readonly right: Float64Array;
  /** [n × D]: the first input found that is answered wrongly; the clean one where there is none */
  readonly adversarial: Float32Array;
  /** accuracy that is left after each attack in turn */
  readonly after: readonly { readonly attack: string; readonly accuracy: number }[];
};

const batchSize = 256;

/** Each input's worst case over the attacks: what one has broken, the next need not try (Croce and Hein 2020). */
export function worstCase(victim: Victim, queries: Queries, setting: Setting): WorstCase {
  const n = queries.labels.length;
  const d = queries.inputs.length / n;
  const clean = embedFlat(victim, queries.inputs);
  const all = Array.from({ length: n }, (_, i) => i);
  const right = Float64Array.from(victim.isRight(clean, all), Number);
  const adversarial = queries.inputs.slice();
  const attacks = setting.attacks ?? gatingAttacks;
  const after: { attack: string; accuracy: number }[] = [];
  attacks.forEach((attack, turn) => {
    const open = all.filter((i) => right[i] === 1);
    for (let from = 0; from < open.length; from += batchSize) {
      const rows = open.slice(from, from + batchSize);
      const found = attackRows(attack, victim, queries, clean, rows, setting, turn);
      if (!found) break;
      const verdicts = victim.isRight(embedFlat(victim, found), rows);
      rows.forEach((row, i) => {
        if (verdicts[i]) return;
        right[row] = 0;
        adversarial.set(found.subarray(i * d, (i + 1) * d), row * d);
      });
      setting.onProgress?.((turn + Math.min(1, (from + batchSize) / open.length)) / attacks.length);
    }
    after.push({ attack: attack.name, accuracy: right.reduce((sum, value) => sum + value, 0) / n });
  });
  return { right, adversarial, after };
}

/** @returns the perturbed inputs of these rows, null where the attack does not fit */
export function attackRows(
  attack: Attack,
  victim: Victim,
  queries: Queries,
  clean: Float32Array,
  rows: readonly number[],
  { ball, budget, squeezers, seed }: Omit<Setting, "onProgress">,
  turn = 0,
): Float32Array | null {
  const count = rows.length;
  const d = queries.inputs.length / queries.labels.length;
  const { dimension } = victim;
  const labels = Int32Array.from(rows, (row) => queries.labels[row] ?? 0);
  const embeddings = takeRows(clean, dimension, rows);
  const scene = {
    prototypes: tf.tensor2d(victim.prototypes, [victim.prototypes.length / dimension, dimension]),
    labels: tf.tensor1d(labels, "int32"),
    clean: tf.tensor2d(embeddings, [count, dimension]),
    targets: tf.tensor2d(nearestOther(embeddings, labels, victim.prototypes, dimension), [count, dimension]),
  };
  const inputs = tf.tensor2d(takeRows(queries.inputs, d, rows), [count, d]);
  const target: Target = { embed: victim.embed, shape: victim.shape, scene, ball, squeezers, budget };
  try {
    if (!attack.fits(target)) return null;
    // Its own stream for each attack and batch: leaving one out does not change the others.
    const found = attack.run(target, inputs, seededRandom(seed + 7919 * turn + (rows[0] ?? 0)));
    const values = found.inputs.dataSync<"float32">();
    found.inputs.dispose();
    return values;
  } finally {
    tf.dispose([inputs, scene.prototypes, scene.labels, scene.clean, scene.targets]);
  }
}

/** Embeds flat inputs batch by batch. @returns [n × d] */
export function embedFlat(
  { embed, shape, dimension }: Pick<Victim, "embed" | "shape" | "dimension">,
  inputs: Float32Array,
): Float32Array {
  const size = shape.reduce((product, side) => product * side, 1);
  const n = inputs.length / size;
  const vectors = new Float32Array(n * dimension);
  for (let from = 0; from < n; from += batchSize) {
    const part = inputs.subarray(from * size, Math.min(n, from + batchSize) * size);
    const found = tf.tidy(() => embed(tf.tensor(part, [part.length / size, ...shape])));
    vectors.set(found.dataSync<"float32">(), from * dimension);
    found.dispose();
  }
  return vectors;
}

/** Whom each input is easiest taken for: the nearest prototype that is not its own. */
function nearestOther(
  embeddings: Float32Array,
  labels: Int32Array,
  prototypes: Float32Array,
  dimension: number,
): Float32Array {
  const targets = new Float32Array(embeddings.length);
  labels.forEach((label, i) => {
    let best = -Infinity;
    let chosen = 0;
    for (let c = 0; c < prototypes.length / dimension; c++) {
      if (c === label) continue;
      let cosine = 0;
      for (let k = 0; k < dimension; k++) {
        cosine += (embeddings[i * dimension + k] ?? 0) * (prototypes[c * dimension + k] ?? 0);
      }
      if (cosine > best) [best, chosen] = [cosine, c];
    }
    targets.set(prototypes.subarray(chosen * dimension, (chosen + 1) * dimension), i * dimension);
  });
  return targets;
}

function takeRows(values: Float32Array, width: number, rows: readonly number[]): Float32Array {
  const taken = new Float32Array(rows.length * width);
  rows.forEach((row, i) => taken.set(values.subarray(row * width, (row + 1) * width), i * width));
  return taken;
}
