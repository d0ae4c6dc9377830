import { z } from "zod";
import { type BenignFamily, clamp01 } from "./family.ts";

/** Uniform noise of up to ±epsilon on every number of an image. */
export const pixelNoise = {
  name: "PixelNoise",
  schema: z.object({ epsilon: z.number() }),
  build:
    ({ epsilon }: { epsilon: number }): BenignFamily =>
    (input, strength, random) =>
      input.map((value) => clamp01(value + strength * epsilon * (2 * random.uniform() - 1))),
} as const;
