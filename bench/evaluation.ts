/**
 * The evaluation's hot paths against what one would write first, in one process on the same data:
 * `node bench/evaluation.ts [--json]`.
 *
 * - attack: the worst case of the gating attacks, each input dropped once it is broken, in batches, against a PGD loop
 *   of one input at a time with the same number of steps (as toolboxes do with batch size 1)
 * - strength: accuracy that the suite leaves, and that one PGD run on the cross-entropy leaves
 * - bootstrap: 10,000 paired resamples of 2,000 sources, against the same with arrays and Math.random
 *
 * A model with random weights, so that nothing has to be trained: figures of robustness mean nothing beyond the comparison.
 */
import { parseArgs } from "node:util";
import { type gatingAttacks, type Setting, type Victim, worstCase } from "../src/evaluation/attacks/index.ts";
import { plainAttacks } from "../src/evaluation/attacks/suite.ts";
import { embedFlat } from "../src/evaluation/attacks/worst-case.ts";
import { nearest, vote } from "../src/evaluation/neighbours.ts";
import { superiority } from "../src/evaluation/statistics/paired-test.ts";
import { buildNetwork, embed, initialWeights, startBackend } from "../src/model/index.ts";
import { seededRandom } from "../src/monitor/index.ts";

const { values: options } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const backend = await startBackend();
const random = seededRandom(1);
const shape = [28, 28, 1];
const size = 784;
const dimension = 64;
const classes = 10;

const network = buildNetwork({
  model_type: "evenkeel-residual-mlp",
  input_shape: shape,
  hidden_size: 512,
  intermediate_size: 256,
  num_hidden_layers: 1,
  embedding_size: dimension,
});
const encoder = { network, weights: initialWeights(network, random) };
const centres = Array.from({ length: classes }, () => Float32Array.from({ length: size }, () => random.uniform()));
const documents = samples(1000);
const queries = samples(256);
const through: Victim["embed"] = (batch) => embed(encoder, batch);
const index = { vectors: embedFlat({ embed: through, shape, dimension }, documents.inputs), dimension };
const victim: Victim = {
  embed: through,
  shape,
  dimension,
  prototypes: prototypes(),
  isRight: (vectors, rows) =>
    Array.from(vote(nearest(vectors, index), documents.labels), (label, i) => label === queries.labels[rows[i] ?? 0]),
};
const setting: Setting = {
  ball: { norm: "Linf", epsilon: 0.05, scales: null, bounded: true },
  budget: { steps: 50, restarts: 2, queries: 150 },
  squeezers: ["Median", "BoxBlur"],
  seed: 3,
};
const plain = [
  {
    name: "PGD",
    fits: () => true,
    run: (...[target, clean, stream]: Parameters<(typeof gatingAttacks)[number]["run"]>) =>
      plainAttacks.pgd(target, clean, setting.budget.steps, stream),
  },
];

// The first run of each kernel is slower.
worstCase(victim, take(16), { ...setting, budget: { steps: 2, restarts: 1, queries: 2 } });
const suite = timed(() => worstCase(victim, queries, setting));
const batched = timed(() => worstCase(victim, queries, { ...setting, attacks: plain }));
const few = 16;
const oneByOne = timed(() => {
  for (let i = 0; i < few; i++) worstCase(oneRow(i), take(1, i), { ...setting, attacks: plain });
});
const pair = {
  candidate: Float64Array.from({ length: 2000 }, () => Number(random.uniform() < 0.96)),
  other: Float64Array.from({ length: 2000 }, () => Number(random.uniform() < 0.95)),
  sources: Float64Array.from({ length: 2000 }, (_, i) => i),
};
const fast = timed(() => superiority(pair, { alpha: 0.025, margin: 0.02, seed: 1 }));
const slow = timed(naiveBootstrap);

const perInput = (ms: number, inputs: number): number => ms / inputs;
const figures = {
  backend: backend.name,
  suiteMsPerInput: perInput(suite.ms, 256),
  pgdBatchedMsPerInput: perInput(batched.ms, 256),
  pgdOneByOneMsPerInput: perInput(oneByOne.ms, few),
  oneByOneOverBatched: perInput(oneByOne.ms, few) / perInput(batched.ms, 256),
  accuracyLeftBySuite: share(suite.value.right),
  accuracyLeftByPgd: share(batched.value.right),
  bootstrapMs: fast.ms,
  naiveBootstrapMs: slow.ms,
  naiveOverOurs: slow.ms / fast.ms,
};
if (options.json) console.log(JSON.stringify(figures, null, 2));
else console.table(Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)])));

function samples(n: number): { inputs: Float32Array; labels: Int32Array } {
  const labels = Int32Array.from({ length: n }, (_, i) => i % classes);
  const inputs = new Float32Array(n * size);
  labels.forEach((label, i) => {
    const centre = centres[label] ?? new Float32Array(size);
    inputs.set(
      centre.map((value) => Math.min(1, Math.max(0, value + 0.25 * random.gaussian()))),
      i * size,
    );
  });
  return { inputs, labels };
}

function prototypes(): Float32Array {
  const sums = new Float32Array(classes * dimension);
  documents.labels.forEach((label, row) => {
    for (let k = 0; k < dimension; k++) {
      sums[label * dimension + k] = (sums[label * dimension + k] ?? 0) + (index.vectors[row * dimension + k] ?? 0);
    }
  });
  for (let c = 0; c < classes; c++) {
    const sum = sums.subarray(c * dimension, (c + 1) * dimension);
    const length = Math.hypot(...sum);
    for (let k = 0; k < dimension; k++) sum[k] = (sum[k] ?? 0) / length;
  }
  return sums;
}

function take(count: number, from = 0): { inputs: Float32Array; labels: Int32Array } {
  return {
    inputs: queries.inputs.slice(from * size, (from + count) * size),
    labels: queries.labels.slice(from, from + count),
  };
}

function oneRow(row: number): Victim {
  return { ...victim, isRight: (vectors) => victim.isRight(vectors, [row]) };
}

function naiveBootstrap(): number {
  const differences = Array.from(pair.candidate, (value, i) => value - (pair.other[i] ?? 0));
  const means: number[] = [];
  for (let b = 0; b < 10_000; b++) {
    const drawn = differences.map(() => differences[Math.floor(Math.random() * differences.length)] ?? 0);
    means.push(drawn.reduce((sum, value) => sum + value, 0) / drawn.length);
  }
  return means.filter((value) => value <= 0).length / means.length;
}

function timed<Value>(work: () => Value): { value: Value; ms: number } {
  const from = performance.now();
  const value = work();
  return { value, ms: performance.now() - from };
}

function share(right: Float64Array): number {
  return right.reduce((sum, value) => sum + value, 0) / right.length;
}

function round(value: string | number): string | number {
  return typeof value === "number" ? Number(value.toPrecision(3)) : value;
}
