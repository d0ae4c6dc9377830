import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { useWasm } from "../../../test/harness/wasm-backend.ts";
import { buildNetwork, embed, initialWeights } from "../../model/index.ts";
import { seededRandom, squeezersOf } from "../../monitor/index.ts";
import { type Embed, margin, type Scene } from "./objectives.ts";
import { squeezeTensor } from "./squeezers.ts";
import { gatingAttacks, problem, type Target } from "./suite.ts";

beforeAll(useWasm);

const side = 6;
const size = side * side;
const budget = { steps: 40, restarts: 1, queries: 0 };

/** The adaptive attack, which is a plain one where no squeezers are known. */
function attack(target: Target, clean: tf.Tensor2D): tf.Tensor2D {
  const adaptive = gatingAttacks.find(({ name }) => name === "Adaptive");
  if (!adaptive) throw new Error("there is no adaptive attack");
  return adaptive.run(target, clean, seededRandom(1)).inputs;
}

describe("on an angle θ = Σ w (x − .4) / 200 with w = .8 ± 1 as on a checkerboard", () => {
  const checkerboard = Array.from({ length: size }, (_, i) => ((i + Math.floor(i / side)) % 2 ? -1 : 1));
  const w = checkerboard.map((square) => (0.8 + square) / 200);
  const angles = (inputs: tf.Tensor2D): tf.Tensor2D =>
    tf.matMul(tf.sub<tf.Tensor2D>(inputs, 0.4), tf.tensor2d(w, [size, 1]));
  const circle: Embed = (batch) => {
    const theta = angles(tf.reshape(batch, [batch.shape[0] ?? 0, size]));
    return tf.concat([tf.cos(theta), tf.sin(theta)], 1);
  };
  const reach = (squeezers: Target["squeezers"]): number => {
    const clean: tf.Tensor2D = tf.fill([1, size], 0.4);
    const scene: Scene = {
      prototypes: tf.tensor2d([
        [1, 0],
        [0, 1],
      ]),
      labels: tf.tensor1d([0], "int32"),
      clean: tf.tensor2d([[1, 0]]),
      targets: tf.tensor2d([[0, 1]]),
    };
    const shape = [side, side, 1];
    const ball = { norm: "Linf", epsilon: 0.2, scales: null, bounded: true } as const;
    const found = attack({ embed: circle, shape, scene, ball, squeezers, budget }, clean);
    return angles(squeezeTensor("BoxBlur", shape)(found)).dataSync()[0] ?? 0;
  };

  it("a plain attack paints the checkerboard, of which a blur leaves a ninth, and that with the other sign at edges", () => {
    // 51/9 of 255 are rounded to 6; 16 pixels within, 16 at edges, 4 at corners.
    expect(reach([])).toBeCloseTo(((6 / 255) * (16 - 16 + 4)) / 200, 4);
  });

  it("one through the blur brightens the whole image: θ = .2 · 36 · .8 / 200 is left", () => {
    expect(reach(["BoxBlur"])).toBeCloseTo((0.2 * size * 0.8) / 200, 4);
  });
});

describe("through all squeezers that a service may use", () => {
  /** Random inputs of a random encoder, each of the nearest of four classes. */
  function scenery(modality: "Image" | "Vector", squeezers: Target["squeezers"]) {
    const image = modality === "Image";
    const shape = image ? [side, side, 1] : [size];
    const random = seededRandom(5);
    const network = buildNetwork({
      model_type: "evenkeel-residual-mlp",
      input_shape: shape,
      hidden_size: 24,
      intermediate_size: 24,
      num_hidden_layers: 1,
      embedding_size: 8,
    });
    const encoder = { network, weights: initialWeights(network, random) };
    const through: Embed = (batch) => embed(encoder, batch);
    const values = Float32Array.from({ length: 24 * size }, () => (image ? random.uniform() : random.gaussian()));
    const clean = tf.tensor2d(values, [24, size]);
    const embeddings = through(tf.reshape(clean, [24, ...shape]));
    const prototypes = tf.slice(embeddings, [0, 0], [4, 8]);
    const labels: tf.Tensor1D = tf.argMax(tf.matMul(embeddings, tf.transpose(prototypes)), 1);
    const ball = { norm: "Linf", epsilon: 0.1, scales: null, bounded: image } as const;
    const scene = { prototypes, labels, clean: embeddings, targets: embeddings };
    return { target: { embed: through, shape, scene, ball, squeezers, budget }, clean };
  }

  it.each([
    ["BitDepth", "Image", 1.2],
    ["Median", "Image", 2],
    ["BoxBlur", "Image", 2],
    // Rounding takes little of an attack that moves all coordinates.
    ["Quantise", "Vector", 1],
  ] as const)("more of the effect is left under %s than of a plain attack", (squeezer, modality, times) => {
    const effect = (squeezers: Target["squeezers"]): number => {
      const { target, clean } = scenery(modality, squeezers);
      const { loss } = problem(target, clean, margin(target.scene));
      const squeeze = squeezeTensor(squeezer, target.shape);
      const gained = tf.sub(loss(squeeze(attack(target, clean))), loss(squeeze(clean)));
      return tf.mean(gained).dataSync()[0] ?? 0;
    };
    expect(effect(squeezersOf(modality))).toBeGreaterThan(times * effect([]));
  });
});
