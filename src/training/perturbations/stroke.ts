import { z } from "zod";
import { type BenignFamily, type InputSpace, imageSides } from "./family.ts";

/** Shares of inputs that become thicker and thinner at any strength; the others keep their strokes. */
const thicker = 0.55;
const thinner = 0.15;

/**
 * Thick or thin strokes: grey dilation or erosion (Serra 1982) with a 2 × 2 or 3 × 3 square, blended with the input by a
 * weight drawn up to the strength.
 */
export const stroke = {
  name: "Stroke",
  schema: z.object({ strength: z.number() }),
  build(options: { strength: number }, space: InputSpace): BenignFamily {
    const [height, width, channels] = imageSides(space.shape);
    return (input, strength, random) => {
      const draw = random.uniform();
      const weight = options.strength * strength * Math.sqrt(random.uniform());
      // A square of 2 has no centre: it lies up-left or down-right of the pixel.
      const [from, to] = pickSquare(random.uniform());
      if (draw >= thicker + thinner) return input;
      const grow = draw < thicker;
      const across = along(input, width * channels, channels, from, to, grow);
      const both = along(across, height * width * channels, width * channels, from, to, grow);
      for (let i = 0; i < both.length; i++) both[i] = weight * (both[i] ?? 0) + (1 - weight) * (input[i] ?? 0);
      return both;
    };
  },
} as const;

function pickSquare(draw: number): [number, number] {
  if (draw < 0.4) return [-1, 0];
  return draw < 0.8 ? [0, 1] : [-1, 1];
}

/** The largest or smallest of each number's neighbours `from` to `to` places away, `stride` apart in lines of `line`. */
function along(
  values: Float32Array,
  line: number,
  stride: number,
  from: number,
  to: number,
  grow: boolean,
): Float32Array {
  const result = values.slice();
  for (let k = from; k <= to; k++) {
    if (k === 0) continue;
    for (let begin = 0; begin < values.length; begin += line) {
      const first = begin + Math.max(0, -k * stride);
      const last = begin + line - Math.max(0, k * stride);
      for (let i = first; i < last; i++) {
        const value = values[i + k * stride] ?? 0;
        const now = result[i] ?? 0;
        if (grow ? value > now : value < now) result[i] = value;
      }
    }
  }
  return result;
}
