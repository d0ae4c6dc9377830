/** An image, 8 bits a channel: row after row, channels interleaved, as in a dataset's U8 [h, w, c]. */
export type Image = {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
};

export const imageSqueezers = ["BitDepth", "Median", "BoxBlur"] as const;
export type ImageSqueezer = (typeof imageSqueezers)[number];
export type Squeezer = ImageSqueezer | "Quantise";

/** @returns the squeezers that fit a modality */
export function squeezersOf(modality: "Image" | "Vector"): readonly Squeezer[] {
  return modality === "Image" ? imageSqueezers : ["Quantise"];
}

/**
 * Feature squeezing (Xu, Evans and Qi 2018): what an adversarial change hides in is taken away, what a model should
 * go by stays. The consistency of an input is how little its embedding moves.
 *
 * - BitDepth: one bit a channel, at 128
 * - Median: 3 × 3 median of each channel
 * - BoxBlur: 3 × 3 mean of each channel, rounded to nearest
 *
 * Borders repeat their edge. The input is not changed.
 */
export function squeezeImage(image: Image, squeezer: ImageSqueezer): Image {
  switch (squeezer) {
    case "BitDepth":
      return { ...image, pixels: image.pixels.map((value) => (value < 128 ? 0 : 255)) };
    case "Median":
      return overNeighbours(image, (values) => values.sort()[4]!);
    case "BoxBlur":
      return overNeighbours(image, (values) => Math.round(values.reduce((sum, value) => sum + value, 0) / 9));
    default:
      return squeezer satisfies never;
  }
}

/**
 * Quantise: rounds each number to a multiple of the vector's root mean square over `levels`, so that it needs no scale
 * from elsewhere. A zero vector stays as it is.
 */
export function quantiseVector(x: Float32Array, levels = 4): Float32Array {
  let squares = 0;
  for (const value of x) squares += value * value;
  const step = Math.sqrt(squares / x.length) / levels;
  return step > 0 ? x.map((value) => Math.round(value / step) * step) : x.slice();
}

function overNeighbours(image: Image, reduce: (values: Uint8Array) => number): Image {
  const { height, width, channels, pixels } = image;
  const result = new Uint8Array(pixels.length);
  const values = new Uint8Array(9);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        for (let k = 0; k < 9; k++) {
          const row = Math.min(height - 1, Math.max(0, y + Math.floor(k / 3) - 1));
          const column = Math.min(width - 1, Math.max(0, x + (k % 3) - 1));
          values[k] = pixels[(row * width + column) * channels + c]!;
        }
        result[(y * width + x) * channels + c] = reduce(values);
      }
    }
  }
  return { ...image, pixels: result };
}
