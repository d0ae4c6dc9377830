import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { useWasm } from "../../../test/harness/wasm-backend.ts";
import type { Perturbation } from "../../api/index.ts";
import { seededRandom } from "../../monitor/index.ts";
import { adversarialFamilies, benignFamilies, composeBenign, type InputSpace, UnfitPerturbation } from "./index.ts";

beforeAll(useWasm);

const space: InputSpace = { modality: "Image", shape: [6, 5, 2] };
const size = 60;
const image = Float32Array.from({ length: size }, (_, i) => ((i * 37) % 60) / 60);
const geometric: Perturbation = {
  name: "g",
  family: "Geometric",
  kind: "Benign",
  degrees: 30,
  shear: 0.2,
  scale: 0.2,
  shift: 0.1,
};
const families: Perturbation[] = [
  geometric,
  { name: "s", family: "Stroke", kind: "Benign", strength: 1 },
  { name: "p", family: "Photometric", kind: "Benign", strength: 0.5 },
  { name: "n", family: "PixelNoise", kind: "Benign", epsilon: 0.1 },
];

describe.each(families)("benign $family", (perturbation) => {
  const [family] = benignFamilies([perturbation], space);
  it("stays in [0, 1], leaves its input alone, and does nothing at strength 0", () => {
    const before = image.slice();
    for (let seed = 0; seed < 20; seed++) {
      const changed = family?.(image, 1, seededRandom(seed)) ?? [];
      expect(changed.every((value) => value >= 0 && value <= 1)).toBe(true);
      const kept = family?.(image, 0, seededRandom(seed)) ?? [];
      kept.forEach((value, i) => expect(value).toBeCloseTo(image[i] ?? 0, 5));
    }
    expect(image).toEqual(before);
  });

  it("is the same from the same seed, and another from another", () => {
    const of = (seed: number) => Array.from({ length: 8 }, (_, i) => family?.(image, 1, seededRandom(seed + i)) ?? []);
    expect(of(3)).toEqual(of(3));
    expect(of(3)).not.toEqual(of(50));
  });
});

describe("a family for other data", () => {
  const vectors: InputSpace = { modality: "Vector", shape: [3], deviations: new Float32Array(3) };
  const box: Perturbation = { name: "box", family: "VectorBox", kind: "Benign", epsilon: 0.1 };

  it.each<[string, () => unknown, string]>([
    [
      "vectors' on images",
      () => benignFamilies([box], space),
      "perturbation box: VectorBox is for Vector, the dataset holds Image",
    ],
    [
      "vectors' on images, of an attacker",
      () => adversarialFamilies([{ ...box, kind: "Adversarial" }], space),
      "perturbation box: VectorBox is for Vector, the dataset holds Image",
    ],
    [
      "images' on vectors",
      () => benignFamilies([geometric], vectors),
      "perturbation g: Geometric is for Image, the dataset holds Vector",
    ],
  ])("is refused: %s", (_, build, message) => {
    expect(build).toThrow(new UnfitPerturbation(message));
  });
});

describe("Geometric", () => {
  it("turned by exactly 90 degrees moves pixels to where they belong", () => {
    const [turn] = benignFamilies([{ name: "g", family: "Geometric", kind: "Benign", degrees: 90 }], {
      modality: "Image",
      shape: [3, 3, 1],
    });
    const input = Float32Array.from([1, 0, 0, 0, 0.5, 0, 0, 0, 0]);
    const always = (draw: number) => ({ uint32: () => 0, uniform: () => draw, integer: () => 0, gaussian: () => 0 });
    const corner = (draw: number) => turn?.(input, 1, always(draw))?.findIndex((value) => value > 0.99);
    // uniform = 1 is +90 degrees, uniform = 0 is −90: the top-left corner goes to the next one, either way.
    expect(new Set([corner(1), corner(0)])).toEqual(new Set([2, 6]));
  });
});

describe("Stroke", () => {
  it("grows or shrinks a dot, and blends no further than its strength", () => {
    const dot = new Float32Array(49);
    dot[24] = 1;
    const sum = (strength: number, seed: number): number => {
      const [stroke] = benignFamilies([{ name: "s", family: "Stroke", kind: "Benign", strength }], {
        modality: "Image",
        shape: [7, 7, 1],
      });
      return [...(stroke?.(dot, 1, seededRandom(seed)) ?? [])].reduce((total, value) => total + value, 0);
    };
    const sums = Array.from({ length: 60 }, (_, seed) => sum(1, seed));
    expect(Math.max(...sums)).toBeGreaterThan(4);
    expect(Math.min(...sums)).toBeLessThan(0.6);
    for (let seed = 0; seed < 60; seed++) expect(sum(0.1, seed)).toBeLessThan(1 + 0.1 * 8 + 1e-4);
  });
});

describe("composeBenign", () => {
  it("changes each input of a batch by itself", () => {
    const batch = new Float32Array(2 * size);
    batch.set(image);
    batch.set(image, size);
    const changed = composeBenign(benignFamilies(families, space), batch, size, 1, seededRandom(1));
    expect(changed.slice(0, size)).not.toEqual(changed.slice(size));
    expect(composeBenign([], batch, size, 1, seededRandom(1))).toEqual(batch);
  });
});

describe("adversarial families", () => {
  const vectors: InputSpace = { modality: "Vector", shape: [3], deviations: new Float32Array([1, 10, 0.1]) };
  const norms = {
    Linf: (change: number[]) => Math.max(...change.map(Math.abs)),
    L2: (change: number[]) => Math.hypot(...change),
  } as const;
  it.each(["Linf", "L2"] as const)("%s stays in its ball and in [0, 1], and a step climbs", (family) => {
    const [ball] = adversarialFamilies([{ name: "a", family, kind: "Adversarial", epsilon: 0.3 }], space);
    if (!ball) throw new Error("no family");
    const inputs = tf.tensor(Float32Array.from([...image, ...image]), [2, 6, 5, 2]);
    const gradient = tf.tensor(
      Float32Array.from({ length: 120 }, (_, i) => Math.sin(i)),
      [2, 6, 5, 2],
    );
    const started = ball.start([2, 6, 5, 2], 0.3, seededRandom(2));
    // Only what is a valid input can be climbed from.
    let change = ball.step(inputs, started, tf.zerosLike(inputs), 0, 0.3);
    const climbed = (x: tf.Tensor): number => tf.sum(tf.mul(x, gradient)).dataSync()[0] ?? 0;
    for (let step = 0; step < 5; step++) {
      const next = ball.step(inputs, change, gradient, 0.1, 0.3);
      expect(climbed(next)).toBeGreaterThanOrEqual(climbed(change) - 1e-4);
      change = next;
      const values = [...change.dataSync()];
      for (const part of [values.slice(0, 60), values.slice(60)]) expect(norms[family](part)).toBeLessThan(0.3 + 1e-5);
      const attacked = tf.add(inputs, change).dataSync();
      expect(attacked.every((value) => value >= -1e-6 && value <= 1 + 1e-6)).toBe(true);
    }
    expect(climbed(change)).toBeGreaterThan(0.2);
  });

  it("VectorBox goes by each coordinate's deviation and leaves immutable ones alone", () => {
    const [box] = adversarialFamilies(
      [{ name: "v", family: "VectorBox", kind: "Adversarial", epsilon: 0.5, immutable: [0] }],
      vectors,
    );
    if (!box) throw new Error("no family");
    const inputs = tf.tensor2d([1, 2, 3], [1, 3]);
    const gradient = tf.tensor2d([1, 1, -1], [1, 3]);
    let change: tf.Tensor = tf.zerosLike(inputs);
    for (let step = 0; step < 4; step++) change = box.step(inputs, change, gradient, 0.2, 0.5);
    const found = [...change.dataSync()];
    [0, 5, -0.05].forEach((expected, j) => expect(found[j]).toBeCloseTo(expected, 5));
    expect(box.start([1, 3], 0.5, seededRandom(1)).dataSync()[0]).toBeCloseTo(0, 10);
  });

  it("VectorBox says which coordinate is not there", () => {
    const box: Perturbation = { name: "v", family: "VectorBox", kind: "Adversarial", epsilon: 0.5, immutable: [7] };
    expect(() => adversarialFamilies([box], vectors)).toThrow("coordinate 7 is outside the vector's 3");
  });
});
