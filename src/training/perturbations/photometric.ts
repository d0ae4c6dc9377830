import { z } from "zod";
import { type BenignFamily, clamp01, type InputSpace, imageSides } from "./family.ts";

/**
 * Light and lens: gain and contrast of up to ±strength, an offset of up to a fifth of it, and a 3 × 3 box blur blended in
 * with up to the strength.
 */
export const photometric = {
  name: "Photometric",
  schema: z.object({ strength: z.number() }),
  build(options: { strength: number }, space: InputSpace): BenignFamily {
    const [height, width, channels] = imageSides(space.shape);
    return (input, share, random) => {
      const strength = options.strength * share;
      const signed = (): number => 2 * random.uniform() - 1;
      const gain = 1 + strength * signed();
      const contrast = 1 + strength * signed();
      const offset = 0.2 * strength * signed();
      const blur = random.uniform() < 0.5 ? strength * random.uniform() : 0;
      const mean = input.reduce((sum, value) => sum + value, 0) / input.length;
      const seen = blur > 0 ? blend(input, boxBlur(input, height, width, channels), blur) : input;
      return seen.map((value) => clamp01(gain * ((value - mean) * contrast + mean) + offset));
    };
  },
} as const;

function blend(a: Float32Array, b: Float32Array, weight: number): Float32Array {
  return a.map((value, i) => (1 - weight) * value + weight * (b[i] ?? 0));
}

function boxBlur(input: Float32Array, height: number, width: number, channels: number): Float32Array {
  const result = new Float32Array(input.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < 9; k++) {
          const row = Math.min(height - 1, Math.max(0, y + Math.floor(k / 3) - 1));
          const column = Math.min(width - 1, Math.max(0, x + (k % 3) - 1));
          sum += input[(row * width + column) * channels + c] ?? 0;
        }
        result[(y * width + x) * channels + c] = sum / 9;
      }
    }
  }
  return result;
}
