import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useWasm } from "../../../test/harness/wasm-backend.ts";
import { buildNetwork, type Encoder, initialWeights } from "../../model/index.ts";
import { seededRandom } from "../../monitor/index.ts";
import { servingMemory } from "./memory.ts";

beforeAll(useWasm);
afterAll(() => tf.setBackend("wasm"));

function encoderOf(config: object): Encoder {
  const network = buildNetwork(config);
  return { network, weights: initialWeights(network, seededRandom(1)) };
}

const mlp = (inner: number): Encoder =>
  encoderOf({
    model_type: "evenkeel-residual-mlp",
    input_shape: [4],
    hidden_size: 8,
    intermediate_size: inner,
    num_hidden_layers: 1,
    embedding_size: 2,
  });
const vit = (): Encoder =>
  encoderOf({
    model_type: "vit",
    image_size: 8,
    patch_size: 4,
    num_channels: 1,
    hidden_size: 8,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 16,
  });

describe("servingMemory", () => {
  it("has the weights' bytes: means and deviations 8, stem 40, norms 32, block 9 · 16 + 8 · 17, head 18", () => {
    expect(servingMemory(mlp(16)).weights).toBe(4 * (8 + 40 + 32 + (8 * 16 + 16) + (16 * 8 + 8) + 18));
  });

  it("grows by what a wider block holds: up, its bias added, and relu, for 64 inputs", () => {
    const [narrow, wide] = [mlp(16), mlp(26)].map(servingMemory);
    expect((wide?.activations ?? 0) - (narrow?.activations ?? 0)).toBe(4 * 64 * 3 * 10);
  });

  it.each([
    ["the MLP", () => mlp(16)],
    ["the vision transformer", vit],
  ])("of %s is the same on every backend, and leaves no tensor", async (_, build) => {
    const found = [];
    for (const backend of ["wasm", "cpu"]) {
      await tf.setBackend(backend);
      const encoder = build();
      const before = tf.memory().numTensors;
      found.push(servingMemory(encoder));
      expect(tf.memory().numTensors).toBe(before);
    }
    expect(found[1]).toEqual(found[0]);
  });
});
