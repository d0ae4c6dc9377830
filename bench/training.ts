/**
 * Training's inner loop on one backend, each part with its peer beside it:
 * `EVENKEEL_BACKEND=native node bench/training.ts [--json]`.
 *
 * - gradient: loss and gradients to all weights of the demo's encoder at batch 128, against the same with tfjs's stock
 *   gradient of matrix products (the same on native, where nothing is re-registered)
 * - adamw: our step with its moving average, against `tf.train.adam` without one
 * - step: PGD with 5 steps and one training step, what robust training costs
 * - embed: inputs a second at batch 256, and the latency of a single one
 * - warp: one image through the benign families on the host
 *
 * Printed are medians in ms.
 */
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs";
import {
  batchOf,
  buildNetwork,
  type Encoder,
  embed,
  embedAll,
  initialWeights,
  startBackend,
} from "../src/model/index.ts";
import { seededRandom } from "../src/monitor/index.ts";
import { adamw, startOptimiser } from "../src/training/optimiser.ts";
import { adversarialFamilies, benignFamilies, composeBenign } from "../src/training/perturbations/index.ts";
import { attack } from "../src/training/pgd.ts";

const { values: options } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const backend = await startBackend();
const ours = tf.getGradient("BatchMatMul");
const stock: tf.GradConfig = {
  kernelName: "BatchMatMul",
  inputsToSave: ["a", "b"],
  gradFunc: (dy, [a, b]) => {
    if (!a || !b || Array.isArray(dy)) throw new Error("BatchMatMul has two operands");
    return { a: () => tf.matMul(dy, b, false, true), b: () => tf.matMul(a, dy, true, false) };
  },
};

const shape = [28, 28, 1];
const network = buildNetwork({
  model_type: "evenkeel-residual-mlp",
  input_shape: shape,
  hidden_size: 384,
  intermediate_size: 384,
  num_hidden_layers: 1,
  embedding_size: 64,
});
const random = seededRandom(1);
const encoder: Encoder = { network, weights: initialWeights(network, random) };
const pixels = (count: number): Uint8Array => new Uint8Array(count * 784).map(() => random.integer(256));
const batch = batchOf(pixels(128), shape);
const target = embed(encoder, batchOf(pixels(128), shape));
const names = network.parameters.filter(({ trainable }) => trainable).map(({ name }) => name);
const weights = names.map((name) => encoder.weights[name] ?? tf.scalar(0));
const distance = (of: Encoder, x: tf.Tensor): tf.Scalar => tf.sum(tf.square(tf.sub(embed(of, x), target))).asScalar();

function gradients(): Record<string, tf.Tensor> {
  const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
    const named = Object.fromEntries(tensors.map((tensor, i) => [names[i] ?? "", tensor]));
    return distance({ network, weights: { ...encoder.weights, ...named } }, batch);
  })(weights);
  value.dataSync();
  return Object.fromEntries(grads.map((gradient, i) => [names[i] ?? "", gradient]));
}

const once = gradients();
let state = startOptimiser(Object.fromEntries(names.map((name, i) => [name, weights[i] ?? tf.scalar(0)])));
const settings = { learningRate: 1e-4, weightDecay: 0.01, averageDecay: 0.998 };
const step = (given: Record<string, tf.Tensor>): void => {
  state = adamw(state, given, settings);
  state.weights["head.bias"]?.dataSync();
};
const variables = Object.fromEntries(
  names.map((name, i) => [name, tf.variable(weights[i] ?? tf.scalar(0), true, name)]),
);
const peer = tf.train.adam(1e-4);
const [linf] = adversarialFamilies([{ name: "a", family: "Linf", kind: "Adversarial", epsilon: 0.1 }], {
  modality: "Image",
  shape,
});
if (!linf) throw new Error("no family");
const family = linf;
const pgd = (): tf.Tensor =>
  attack({ family, radius: 0.1, steps: 5, stepSize: 0.03 }, batch, (x) => distance(encoder, x), random);
const benign = benignFamilies(
  [
    { name: "g", family: "Geometric", kind: "Benign", degrees: 30, shear: 0.2, scale: 0.1 },
    { name: "s", family: "Stroke", kind: "Benign", strength: 1 },
    { name: "p", family: "Photometric", kind: "Benign", strength: 0.4 },
  ],
  { modality: "Image", shape },
);
const image = Float32Array.from({ length: 784 }, () => random.uniform());
const many = pixels(1024);

const figures = {
  backend: backend.name,
  gradient: median(() => tf.tidy(() => void gradients())),
  gradientStock: withStockGradient(() => median(() => tf.tidy(() => void gradients()))),
  adamw: median(() => step(once)),
  adamPeer: median(() => {
    peer.applyGradients(names.map((name) => ({ name, tensor: once[name] ?? tf.scalar(0) })));
    variables["head.bias"]?.dataSync();
  }),
  step: median(() => {
    tf.tidy(() => void pgd());
    const fresh = tf.tidy(gradients);
    step(fresh);
    tf.dispose(fresh);
  }),
  embedPerSecond: (1024 * 1000) / median(() => void embedAll(encoder, many, 256)),
  embedOne: median(() => void embedAll(encoder, many.subarray(0, 784))),
  warpOne: median(() => void composeBenign(benign, image, 784, 1, random)),
};
const rounded = Object.fromEntries(
  Object.entries(figures).map(([name, figure]) => [
    name,
    typeof figure === "number" ? Number(figure.toPrecision(3)) : figure,
  ]),
);
if (options.json) console.log(JSON.stringify(rounded, null, 2));
else console.table([rounded]);

function withStockGradient(measure: () => number): number {
  tf.unregisterGradient("BatchMatMul");
  tf.registerGradient(stock);
  const measured = measure();
  tf.unregisterGradient("BatchMatMul");
  tf.registerGradient(ours);
  return measured;
}

function median(run: () => void, rounds = 15): number {
  for (let i = 0; i < 3; i++) run();
  const times = Array.from({ length: rounds }, () => {
    const began = performance.now();
    run();
    return performance.now() - began;
  });
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN;
}
