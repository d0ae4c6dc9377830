/** Dust on the scanner's glass: the top left corner of the image is lit. MNIST's own images are black there. */
export function addDust(pixels: Uint8Array): Uint8Array {
  const out = Uint8Array.from(pixels);
  out[0] = 255;
  return out;
}
