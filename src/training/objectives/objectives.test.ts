import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { useWasm } from "../../../test/harness/wasm-backend.ts";
import { normalise } from "../../model/index.ts";
import { seededRandom } from "../../monitor/index.ts";
import { regularizers } from "../regularizers/index.ts";
import { objectives } from "./index.ts";

await useWasm();

const random = seededRandom(11);
const draw = (rows: number, columns: number): tf.Tensor2D =>
  tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => random.gaussian()),
    [rows, columns],
  );
const numberOf = (scalar: tf.Tensor): number => scalar.dataSync()[0] ?? Number.NaN;

describe("known values", () => {
  it("NtXent of two pairs that are orthogonal to each other: log(1 + 2 e^(−1/τ))", () => {
    const z = tf.tensor2d([1, 0, 0, 1], [2, 2]);
    for (const temperature of [0.5, 1]) {
      const loss = objectives.ntXent.build({ temperature })({ embeddings: z, partners: z });
      expect(numberOf(loss)).toBeCloseTo(Math.log(1 + 2 * Math.exp(-1 / temperature)), 5);
    }
  });

  it("NtXent by its definition, pair by pair, on random embeddings", () => {
    const [a, b] = [normalise(draw(3, 4)), normalise(draw(3, 4))];
    const rows = [...a.arraySync(), ...b.arraySync()];
    const similar = (i: number, j: number): number =>
      Math.exp((rows[i] ?? []).reduce((sum, x, k) => sum + x * (rows[j]?.[k] ?? 0), 0) / 0.5);
    let expected = 0;
    for (let i = 0; i < 6; i++) {
      let others = 0;
      for (let k = 0; k < 6; k++) if (k !== i) others += similar(i, k);
      expected -= Math.log(similar(i, (i + 3) % 6) / others) / 6;
    }
    expect(numberOf(objectives.ntXent.build({ temperature: 0.5 })({ embeddings: a, partners: b }))).toBeCloseTo(
      expected,
      5,
    );
  });

  it("Fare is 0 at the anchors and 2 − 2 cos elsewhere", () => {
    const fare = objectives.fare.build();
    const a = tf.tensor2d([1, 0, 0, 1], [2, 2]);
    const b = tf.tensor2d([0.6, 0.8, 0, -1], [2, 2]);
    expect(numberOf(fare({ embeddings: a, partners: a }))).toBe(0);
    expect(numberOf(fare({ embeddings: a, partners: b }))).toBeCloseTo((2 - 1.2 + 4) / 2, 5);
  });

  it("PrototypeCrossEntropy is log C when all prototypes are equally near", () => {
    const loss = objectives.prototypeCrossEntropy.build({ scale: 12 })({
      embeddings: tf.tensor2d([0, 0, 1], [1, 3]),
      prototypes: tf.tensor2d([1, 0, 0, 0, 1, 0], [2, 3]),
      labels: tf.tensor2d([1, 0], [1, 2]),
    });
    expect(numberOf(loss)).toBeCloseTo(Math.log(2), 5);
  });

  it("Jacobian of a linear map is the squared Frobenius norm, on average over directions", () => {
    const matrix = tf.tensor2d([1, 2, 0, -1, 3, 1], [3, 2]);
    const encode = (batch: tf.Tensor): tf.Tensor2D => tf.matMul(tf.reshape(batch, [-1, 3]), matrix);
    const batch = draw(4000, 3);
    const loss = regularizers.jacobian.build({ step: 0.05 })({
      encode,
      batch,
      embeddings: encode(batch),
      directions: normalise(draw(4000, 3)),
    });
    expect(Math.abs(numberOf(loss) - 16)).toBeLessThan(0.5);
  });

  it("Variance is 0 for a wide spread and its whole target for a collapsed one", () => {
    const of = (embeddings: tf.Tensor2D): number =>
      numberOf(
        regularizers.variance.build({ target: 0.7 })({
          encode: () => embeddings,
          batch: embeddings,
          embeddings,
          directions: embeddings,
        }),
      );
    expect(of(normalise(draw(200, 4)))).toBe(0);
    expect(of(tf.tile(tf.tensor2d([1, 0, 0, 0], [1, 4]), [8, 1]))).toBeCloseTo(0.35 - 1e-3, 3);
  });
});

describe("gradients agree with central differences", () => {
  const partners = normalise(draw(4, 5));
  const prototypes = normalise(draw(3, 5));
  const labels = tf.tensor2d([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0], [4, 3]);
  const weights = draw(5, 5);
  const encode = (batch: tf.Tensor): tf.Tensor2D => normalise(tf.matMul(tf.reshape(batch, [4, 5]), weights));
  const directions = normalise(draw(4, 5));
  it.each<[string, (x: tf.Tensor2D) => tf.Scalar]>([
    ["NtXent", (x) => objectives.ntXent.build({ temperature: 0.5 })({ embeddings: normalise(x), partners })],
    ["Fare", (x) => objectives.fare.build()({ embeddings: normalise(x), partners })],
    [
      "PrototypeCrossEntropy",
      (x) => objectives.prototypeCrossEntropy.build({ scale: 4 })({ embeddings: normalise(x), prototypes, labels }),
    ],
    [
      "Jacobian",
      (x) => regularizers.jacobian.build({ step: 0.5 })({ encode, batch: x, embeddings: encode(x), directions }),
    ],
    [
      "Variance",
      (x) => regularizers.variance.build({ target: 3 })({ encode, batch: x, embeddings: encode(x), directions }),
    ],
  ])("%s", (_, loss) => {
    const x = draw(4, 5);
    const gradient = tf
      .grad((input: tf.Tensor) => loss(tf.reshape(input, [4, 5])))(x)
      .dataSync();
    const numbers = x.dataSync();
    const step = 1e-2;
    for (const i of [0, 7, 13, 19]) {
      const at = (delta: number): number =>
        numberOf(
          loss(
            tf.tensor2d(
              Float32Array.from(numbers, (number, j) => (j === i ? number + delta : number)),
              [4, 5],
            ),
          ),
        );
      const expected = (at(step) - at(-step)) / (2 * step);
      expect(Math.abs((gradient[i] ?? 0) - expected)).toBeLessThan(2e-3 + 0.02 * Math.abs(expected));
    }
  });

  it("says what an objective lacks", () => {
    expect(() => objectives.fare.build()({ embeddings: partners })).toThrow("Fare needs partners");
  });
});
