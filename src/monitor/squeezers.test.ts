import { describe, expect, it } from "vitest";
import { seededRandom } from "./random.ts";
import { type Image, imageSqueezers, quantiseVector, squeezeImage } from "./squeezers.ts";

function grey(...rows: number[][]): Image {
  return { height: rows.length, width: rows[0]?.length ?? 0, channels: 1, pixels: Uint8Array.from(rows.flat()) };
}

describe("squeezeImage", () => {
  it.each([
    ["BitDepth", grey([0, 127, 128, 255]), [0, 0, 255, 255]],
    // The 200 in the middle is the largest of nine, so it goes; at the corner 10 stands for four of nine.
    ["Median", grey([10, 20, 30], [40, 200, 60], [70, 80, 90]), [20, 30, 30, 40, 60, 60, 70, 80, 90]],
    // Middle: (10+20+30+40+200+60+70+80+90)/9 = 66.67. First: (4·10 + 2·20 + 2·40 + 200)/9 = 40.
    // Left: (2·10 + 20 + 2·40 + 200 + 2·70 + 80)/9 = 60.
    ["BoxBlur", grey([10, 20, 30], [40, 200, 60], [70, 80, 90]), [40, 47, 53, 60, 67, 73, 80, 87, 93]],
  ] as const)("%s by hand", (squeezer, image, expected) => {
    expect([...squeezeImage(image, squeezer).pixels]).toEqual(expected);
  });

  it("keeps channels apart", () => {
    const image: Image = { height: 1, width: 2, channels: 2, pixels: Uint8Array.of(0, 255, 90, 165) };
    expect([...squeezeImage(image, "BoxBlur").pixels]).toEqual([30, 225, 60, 195]);
  });

  it.each(imageSqueezers)("%s keeps the shape, a black or white image, and its input", (squeezer) => {
    const random = seededRandom(1);
    const image: Image = {
      height: 5,
      width: 7,
      channels: 3,
      pixels: Uint8Array.from({ length: 105 }, () => random.integer(256)),
    };
    const before = image.pixels.slice();
    expect(squeezeImage(image, squeezer)).toMatchObject({ height: 5, width: 7, channels: 3 });
    expect(image.pixels).toEqual(before);
    for (const value of [0, 255]) {
      const flat = { ...image, pixels: new Uint8Array(105).fill(value) };
      expect(squeezeImage(flat, squeezer)).toEqual(flat);
    }
  });
});

describe("quantiseVector", () => {
  it("by hand: root mean square 5, step 1.25", () => {
    expect([...quantiseVector(Float32Array.of(1, 7))]).toEqual([1.25, 7.5]);
  });
  it("goes with the vector's scale, and leaves zero alone", () => {
    const x = Float32Array.of(0.3, -2, 5, 0.01);
    const scaled = quantiseVector(x.map((value) => 8 * value));
    expect([...scaled]).toEqual([...quantiseVector(x)].map((value) => 8 * value));
    expect([...quantiseVector(new Float32Array(3))]).toEqual([0, 0, 0]);
  });
});
