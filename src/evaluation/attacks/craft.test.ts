import { beforeAll, describe, expect, it } from "vitest";
import { useWasm } from "../../../test/harness/wasm-backend.ts";
import { buildNetwork, embedAll, initialWeights } from "../../model/index.ts";
import { seededRandom, squeezeImage } from "../../monitor/index.ts";
import { craftAttacks } from "./craft.ts";

beforeAll(useWasm);

const network = (shape: number[]) =>
  buildNetwork({
    model_type: "evenkeel-residual-mlp",
    input_shape: shape,
    hidden_size: 12,
    intermediate_size: 8,
    num_hidden_layers: 1,
    embedding_size: 6,
  });
const random = seededRandom(2);
const cosine = (a: Float32Array, b: Float32Array, row: number): number => {
  let sum = 0;
  for (let k = row * 6; k < row * 6 + 6; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);
  return sum;
};

describe("craftAttacks", () => {
  it("moves embeddings of images far, within the budget of what is sent, and repeats by its seed", () => {
    const net = network([5, 5, 1]);
    const encoder = { network: net, weights: initialWeights(net, seededRandom(3)) };
    const images = Uint8Array.from({ length: 3 * 25 }, () => random.integer(256));
    const crafted = craftAttacks(encoder, images, { epsilon: 0.1, steps: 20, seed: 1 });
    crafted.forEach((value, i) => expect(Math.abs(value - (images[i] ?? 999))).toBeLessThanOrEqual(25));
    const noisy = images.map((value, i) => Math.min(255, Math.max(0, value + (i % 2 ? 25 : -25))));
    const [before, after, noise] = [images, crafted, noisy].map((inputs) => embedAll(encoder, inputs));
    for (let row = 0; row < 3; row++) {
      const moved = 1 - cosine(before!, after!, row);
      expect(moved).toBeGreaterThan(2 * (1 - cosine(before!, noise!, row)));
    }
    expect(craftAttacks(encoder, images, { epsilon: 0.1, steps: 20, seed: 1 })).toEqual(crafted);
  });

  it("takes squeezed copies along when the attacker knows the squeezers", () => {
    const net = network([5, 5, 1]);
    const encoder = { network: net, weights: initialWeights(net, seededRandom(5)) };
    const images = Uint8Array.from({ length: 4 * 25 }, () => random.integer(256));
    const embeddings = embedAll(encoder, images);
    const targets = Float32Array.of(...embeddings.subarray(6), ...embeddings.subarray(0, 6));
    const squeezed = (inputs: Uint8Array) => {
      const copies = new Uint8Array(inputs.length);
      for (let at = 0; at < inputs.length; at += 25) {
        const image = { height: 5, width: 5, channels: 1, pixels: inputs.subarray(at, at + 25) };
        copies.set(squeezeImage(image, "BoxBlur").pixels, at);
      }
      return embedAll(encoder, copies);
    };
    const nearness = (squeezers: readonly ["BoxBlur"] | readonly []) => {
      const crafted = craftAttacks(encoder, images, { epsilon: 0.05, steps: 60, seed: 6, targets, squeezers });
      return [0, 1, 2, 3].reduce((sum, row) => sum + cosine(squeezed(crafted), targets, row), 0);
    };
    expect(nearness(["BoxBlur"])).toBeGreaterThan(nearness([]));
  });

  it("brings vectors near the targets they shall be taken for", () => {
    const net = network([8]);
    const encoder = { network: net, weights: initialWeights(net, seededRandom(4)) };
    const vectors = Float32Array.from({ length: 4 * 8 }, () => random.gaussian());
    const embeddings = embedAll(encoder, vectors);
    const targets = Float32Array.of(...embeddings.subarray(6), ...embeddings.subarray(0, 6));
    const crafted = craftAttacks(encoder, vectors, { norm: "L2", epsilon: 1, steps: 20, seed: 1, targets });
    const moved = embedAll(encoder, crafted);
    for (let row = 0; row < 4; row++) {
      expect(cosine(moved, targets, row)).toBeGreaterThan(cosine(embeddings, targets, row));
      const change = Array.from({ length: 8 }, (_, j) => (crafted[row * 8 + j] ?? 0) - (vectors[row * 8 + j] ?? 0));
      expect(Math.hypot(...change)).toBeLessThanOrEqual(1 + 1e-5);
    }
  });
});
