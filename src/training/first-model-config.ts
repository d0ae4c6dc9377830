import { DatasetError } from "../registry/index.ts";

export const firstModelArchitectures = ["residual-mlp", "vit"] as const;
export type FirstModelArchitecture = (typeof firstModelArchitectures)[number];

/** Patches of a side: as few as still tell parts of an image from each other, and as many as CPUs can train on. */
const leastGrid = 4;
const mostGrid = 32;
const mostPatch = 16;

/**
 * The `config.json` of a first model: small enough to be trained on CPUs within minutes.
 *
 * @param shape  of one input, [h, w, c] or [d]
 * @throws {DatasetError} Malformed when the architecture cannot take such inputs
 */
export function firstModelConfig(
  architecture: FirstModelArchitecture,
  shape: readonly number[],
): Record<string, unknown> {
  if (architecture === "residual-mlp") {
    return {
      model_type: "evenkeel-residual-mlp",
      input_shape: [...shape],
      hidden_size: 384,
      intermediate_size: 384,
      num_hidden_layers: 1,
      embedding_size: 64,
    };
  }
  const [side = 0, width, channels] = shape;
  const patch = largestPatch(side);
  if (shape.length !== 3 || side !== width || patch === null) {
    throw new DatasetError(
      "Malformed",
      `a vit takes square images whose side falls into ${leastGrid} to ${mostGrid} patches of up to ${mostPatch} pixels, the dataset holds [${shape.join(", ")}]: choose residual-mlp`,
    );
  }
  return {
    model_type: "vit",
    image_size: side,
    patch_size: patch,
    num_channels: channels,
    hidden_size: 64,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    intermediate_size: 128,
  };
}

/** The largest patch up to 16 pixels, as in ViT-B/16, that leaves a grid of at least four by four, and not of too many. */
function largestPatch(side: number): number | null {
  const [least, most] = [Math.max(1, Math.ceil(side / mostGrid)), Math.min(mostPatch, Math.floor(side / leastGrid))];
  for (let patch = most; patch >= least; patch--) if (side % patch === 0) return patch;
  return null;
}
