import { z } from "zod";
import { type BenignFamily, type InputSpace, imageSides } from "./family.ts";

/**
 * A random affine map about the centre: tilt within ±degrees, shear, change of size, shift. Bilinear sampling on the
 * host, because no backend has both the kernel and its speed; what lies outside is the nearest edge.
 */
export const geometric = {
  name: "Geometric",
  schema: z.object({
    degrees: z.number().default(0),
    shear: z.number().default(0),
    scale: z.number().default(0),
    shift: z.number().default(0),
  }),
  build(options: { degrees: number; shear: number; scale: number; shift: number }, space: InputSpace): BenignFamily {
    const [height, width, channels] = imageSides(space.shape);
    return (input, strength, random) => {
      const signed = (): number => strength * (2 * random.uniform() - 1);
      const tilt = (options.degrees * signed() * Math.PI) / 180;
      const [shearX, shearY] = [options.shear * signed(), options.shear * signed() * 0.5];
      const [sizeX, sizeY] = [1 + options.scale * signed(), 1 + options.scale * signed()];
      const [shiftX, shiftY] = [options.shift * width * signed(), options.shift * height * signed()];
      const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
      // From the place in the result to the place in the input: rotation · shear · size.
      const [xx, xy] = [(cos - sin * shearY) / sizeX, (cos * shearX - sin) / sizeY];
      const [yx, yy] = [(sin + cos * shearY) / sizeX, (sin * shearX + cos) / sizeY];
      const result = new Float32Array(input.length);
      const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
      for (let y = 0, to = 0; y < height; y++) {
        const dy = y - centreY;
        for (let x = 0; x < width; x++) {
          const dx = x - centreX;
          const sourceX = Math.min(width - 1, Math.max(0, xx * dx + xy * dy + centreX + shiftX));
          const sourceY = Math.min(height - 1, Math.max(0, yx * dx + yy * dy + centreY + shiftY));
          const left = Math.floor(sourceX);
          const top = Math.floor(sourceY);
          const fx = sourceX - left;
          const fy = sourceY - top;
          const right = left + 1 < width ? channels : 0;
          const below = top + 1 < height ? width * channels : 0;
          let from = (top * width + left) * channels;
          for (let c = 0; c < channels; c++, from++, to++) {
            result[to] =
              (1 - fy) * ((1 - fx) * (input[from] ?? 0) + fx * (input[from + right] ?? 0)) +
              fy * ((1 - fx) * (input[from + below] ?? 0) + fx * (input[from + below + right] ?? 0));
          }
        }
      }
      return result;
    };
  },
} as const;
