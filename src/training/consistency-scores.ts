import { type Encoder, embedAll } from "../model/index.ts";
import { consistencyScore, quantiseVector, type Squeezer, squeezeImage } from "../monitor/index.ts";
import { elements } from "../registry/index.ts";

/** Raw inputs, as they stand in a dataset. */
export type RawInputs =
  | { readonly modality: "Image"; readonly shape: readonly number[]; readonly inputs: Uint8Array }
  | { readonly modality: "Vector"; readonly shape: readonly number[]; readonly inputs: Float32Array };

/**
 * The consistency score 1 − cos(f(x), f(squeezed x)) of each input.
 *
 * @param embeddings  f of the inputs, [n × d]
 */
export function consistencyScores(
  encoder: Encoder,
  raw: RawInputs,
  embeddings: Float32Array,
  squeezer: Squeezer,
): Float32Array {
  const squeezed = embedAll(encoder, squeezeAll(raw, squeezer));
  const d = encoder.network.dimension;
  return Float32Array.from({ length: embeddings.length / d }, (_, row) =>
    consistencyScore(embeddings.subarray(row * d, (row + 1) * d), squeezed.subarray(row * d, (row + 1) * d)),
  );
}

function squeezeAll(raw: RawInputs, squeezer: Squeezer): Uint8Array | Float32Array {
  const size = elements(raw.shape);
  const [height = 1, width = 1, channels = 1] = raw.shape;
  const result = raw.inputs.slice();
  for (let from = 0; from < raw.inputs.length; from += size) {
    if (raw.modality === "Vector") {
      result.set(quantiseVector(raw.inputs.subarray(from, from + size)), from);
    } else if (squeezer !== "Quantise") {
      const pixels = raw.inputs.subarray(from, from + size);
      result.set(squeezeImage({ height, width, channels, pixels }, squeezer).pixels, from);
    }
  }
  return result;
}
