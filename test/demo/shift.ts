import { type Images, side } from "./mnist.ts";

/** A change of the world that images come from. Training never sees this file (decision 16). */
export type Shift = {
  readonly name: string;
  /** @param strength 0 (none) to 1, ramped over time; @param random uniform in [0, 1) */
  readonly apply: (pixels: Uint8Array, strength: number, random: () => number) => Uint8Array;
};

/**
 * A new batch of pens and a crooked scanner: sheets lie tilted, strokes are thick, ink is weaker.
 * Each image draws its own tilt, so that it is a change of distribution and not a constant.
 */
export const crookedScanner: Shift = {
  name: "tilted by about 25 degrees, thick strokes, weak ink",
  apply(pixels, strength, random) {
    const tilt = strength * (14 + 18 * random()) * (Math.PI / 180);
    const shear = strength * 0.25 * (random() - 0.2);
    const thick = random() < 0.8 * strength ? thicken(pixels) : pixels;
    const ink = 1 - strength * (0.15 + 0.2 * random());
    return affine(thick, [Math.cos(tilt), -Math.sin(tilt) + shear, Math.sin(tilt), Math.cos(tilt)], ink);
  },
};

/** Outside every family: sheets come in mirrored, and some of them upside down as well. */
export const mirroredFeeder: Shift = {
  name: "mirrored, half of the sheets upside down as well",
  apply(pixels, strength, random) {
    if (random() >= strength) return pixels;
    return affine(pixels, [-1, 0, 0, random() < 0.5 ? -1 : 1], 1);
  },
};

/** Grey dilation with a 2 × 2 square: strokes grow by one pixel. */
function thicken(pixels: Uint8Array): Uint8Array {
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const here = y * side + x;
      const left = x > 0 ? (pixels[here - 1] ?? 0) : 0;
      const up = y > 0 ? (pixels[here - side] ?? 0) : 0;
      out[here] = Math.max(pixels[here] ?? 0, left, up);
    }
  }
  return out;
}

/** Samples at m · (p − centre) + centre with bilinear interpolation, black outside. */
function affine(pixels: Uint8Array, m: readonly [number, number, number, number], gain: number): Uint8Array {
  const out = new Uint8Array(pixels.length);
  const centre = (side - 1) / 2;
  const at = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= side || y >= side ? 0 : (pixels[y * side + x] ?? 0);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const sx = m[0] * (x - centre) + m[1] * (y - centre) + centre;
      const sy = m[2] * (x - centre) + m[3] * (y - centre) + centre;
      const x0 = Math.floor(sx);
      const y0 = Math.floor(sy);
      const fx = sx - x0;
      const fy = sy - y0;
      const value =
        (1 - fy) * ((1 - fx) * at(x0, y0) + fx * at(x0 + 1, y0)) +
        fy * ((1 - fx) * at(x0, y0 + 1) + fx * at(x0 + 1, y0 + 1));
      out[y * side + x] = Math.round(gain * value);
    }
  }
  return out;
}

/** The images as they look after the shift at full strength. */
export function shifted(images: Images, shift: Shift, random: () => number): Images {
  const size = side * side;
  const pixels = new Uint8Array(images.pixels.length);
  for (let i = 0; i < images.sources.length; i++) {
    pixels.set(shift.apply(images.pixels.subarray(i * size, (i + 1) * size), 1, random), i * size);
  }
  return { ...images, pixels };
}
