import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { useWasm } from "../../test/harness/wasm-backend.ts";
import { seededRandom } from "../monitor/index.ts";
import { buildNetwork } from "./architectures/index.ts";
import { type Encoder, embed, initialWeights } from "./encoder.ts";
import { loadEncoder } from "./hugging-face.ts";

// On wasm, whose gradients are re-registered by this folder.
beforeAll(useWasm);

const network = buildNetwork({
  model_type: "evenkeel-residual-mlp",
  input_shape: [2, 3, 1],
  hidden_size: 5,
  intermediate_size: 7,
  num_hidden_layers: 2,
  embedding_size: 4,
});

describe.each<[string, () => Promise<Encoder>]>([
  ["residual-mlp", async () => ({ network, weights: initialWeights(network, seededRandom(5)) })],
  ["vit", () => loadEncoder(join(import.meta.dirname, "fixtures", "tiny-vit"))],
])("gradients of %s", (_, load) => {
  it("agree with central differences, in the inputs and in every weight", async () => {
    const encoder = await load();
    const random = seededRandom(9);
    const draw = (shape: number[]) =>
      tf.tensor(
        Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.gaussian()),
        shape,
      );
    const batch = draw([2, ...encoder.network.inputShape]);
    const target = draw([2, encoder.network.dimension]);
    const names = encoder.network.parameters.filter(({ trainable }) => trainable).map(({ name }) => name);
    const operands = [batch, ...names.map((name) => encoder.weights[name] ?? tf.scalar(0))];
    const value = (...[x, ...weights]: tf.Tensor[]): tf.Scalar => {
      const named = Object.fromEntries(names.map((name, i) => [name, weights[i] ?? tf.scalar(0)]));
      return tf.sum(
        tf.mul(embed({ network: encoder.network, weights: { ...encoder.weights, ...named } }, x ?? batch), target),
      );
    };
    const gradients = tf.grads(value)(operands);
    gradients.forEach((gradient, i) => {
      // Along one random direction an argument: ⟨∇f, v⟩ against (f(x + hv) − f(x − hv)) / 2h.
      const direction = draw(gradient.shape);
      const along = (step: number): number => {
        const moved = operands.map((argument, j) => (i === j ? tf.add(argument, tf.mul(direction, step)) : argument));
        return value(...moved).dataSync()[0] ?? Number.NaN;
      };
      const step = 1e-2 / Math.hypot(...direction.dataSync());
      const expected = (along(step) - along(-step)) / (2 * step);
      const found = tf.sum(tf.mul(gradient, direction)).dataSync()[0];
      const name = names[i - 1] ?? "inputs";
      const error = Math.abs((found ?? 0) - expected);
      expect({ name, close: error < 0.01 + 0.02 * Math.abs(expected) }).toEqual({ name, close: true });
    });
  });
});

describe("the gradient of matrix products on wasm", () => {
  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])("is that of the product itself, transposeA %s, transposeB %s", (transposeA, transposeB) => {
    const a = tf.tensor([1, 2, 3, 4, 5, 6], transposeA ? [3, 2] : [2, 3]);
    const b = tf.tensor([1, -1, 2, 0, 3, 1, 1, 2, 0, 1, 4, -2], transposeB ? [4, 3] : [3, 4]);
    const weight = tf.tensor([1, 2, 3, 4, 0, -1, 5, 2], [2, 4]);
    const [da, db] = tf.grads((x: tf.Tensor, y: tf.Tensor) =>
      tf.sum(tf.mul(tf.matMul(x, y, transposeA, transposeB), weight)),
    )([a, b]);
    const left = transposeA ? tf.transpose(a) : a;
    const right = transposeB ? tf.transpose(b) : b;
    const ofLeft = tf.matMul(weight, tf.transpose(right));
    const ofRight = tf.matMul(tf.transpose(left), weight);
    expect(da?.arraySync()).toEqual((transposeA ? tf.transpose(ofLeft) : ofLeft).arraySync());
    expect(db?.arraySync()).toEqual((transposeB ? tf.transpose(ofRight) : ofRight).arraySync());
  });
});
