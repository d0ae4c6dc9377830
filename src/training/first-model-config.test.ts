import { describe, expect, it } from "vitest";
import { buildNetwork } from "../model/index.ts";
import { firstModelConfig } from "./first-model-config.ts";

describe("firstModelConfig", () => {
  it.each([
    [28, 7],
    [32, 8],
    [64, 16],
    [224, 16],
    [30, 6],
    [5, 1],
    [31, 1],
    [512, 16],
  ])("cuts images of %d pixels into patches of %d", (side, patch) => {
    expect(firstModelConfig("vit", [side, side, 3])).toMatchObject({ image_size: side, patch_size: patch });
  });

  it.each([
    ["vit", [28, 28, 1]],
    ["residual-mlp", [28, 28, 1]],
    ["residual-mlp", [768]],
  ] as const)("%s of %j is a network that takes such inputs", (architecture, shape) => {
    const network = buildNetwork(firstModelConfig(architecture, shape));
    expect(network.inputShape).toEqual(shape);
    expect(network.dimension).toBe(64);
  });

  it.each([[[768]], [[28, 14, 1]], [[3, 3, 1]], [[37, 37, 3]], [[97, 97, 3]], [[226, 226, 3]], [[528, 528, 3]]])(
    "has no vit for inputs of shape %j",
    (shape) => {
      expect(() => firstModelConfig("vit", shape)).toThrow(/a vit takes square images .* choose residual-mlp/);
    },
  );
});
