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
      const extreme = draw < thicker ? Math.max : Math.min;
      const across = along(input, height * width * channels, width * channels, channels, from, to, extreme);
      const both = along(
        across,
        height * width * channels,
        height * width * channels,
        width * channels,
        from,
        to,
        extreme,
      );
      return both.map((value, i) => weight * value + (1 - weight) * (input[i] ?? 0));
    };
  },
} as const;

function pickSquare(draw: number): [number, number] {
  if (draw < 0.4) return [-1, 0];
  return draw < 0.8 ? [0, 1] : [-1, 1];
}

/** The extreme of each number's neighbours `from` to `to` places away, places `stride` apart in lines of `line`. */
function along(
  values: Float32Array,
  size: number,
  line: number,
  stride: number,
  from: number,
  to: number,
  extreme: (a: number, b: number) => number,
): Float32Array {
  const result = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const begin = i - (i % line);
    let value = values[i] ?? 0;
    for (let k = from; k <= to; k++) {
      const j = i + k * stride;
      if (j >= begin && j < begin + line) value = extreme(value, values[j] ?? 0);
    }
    result[i] = value;
  }
  return result;
}
