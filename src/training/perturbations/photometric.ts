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
      const mean = meanOf(input);
      const result = blur > 0 ? boxBlur(input, height, width, channels) : input.slice();
      for (let i = 0; i < result.length; i++) {
        const seen = blur * (result[i] ?? 0) + (1 - blur) * (input[i] ?? 0);
        result[i] = clamp01(gain * ((seen - mean) * contrast + mean) + offset);
      }
      return result;
    };
  },
} as const;

function meanOf(input: Float32Array): number {
  let sum = 0;
  for (const value of input) sum += value;
  return sum / input.length;
}

function boxBlur(input: Float32Array, height: number, width: number, channels: number): Float32Array {
  const result = new Float32Array(input.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let dy = -1; dy <= 1; dy++) {
          const row = Math.min(height - 1, Math.max(0, y + dy)) * width;
          for (let dx = -1; dx <= 1; dx++) {
            sum += input[(row + Math.min(width - 1, Math.max(0, x + dx))) * channels + c] ?? 0;
          }
        }
        result[(y * width + x) * channels + c] = sum / 9;
      }
    }
  }
  return result;
}
