import { decode } from "fast-png";

/** The bytes are no PNG image that can be embedded. */
export class PngError extends Error {
  override readonly name = "PngError";
}

export type PngImage = {
  /** [height, width, channels], of 1 or 3 channels */
  readonly shape: readonly [number, number, number];
  /** [height × width × channels], 0 to 255 */
  readonly pixels: Uint8Array;
};

const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/**
 * Height and width as the header has them: a small file can unpack to gigabytes.
 *
 * @throws {PngError}
 */
export function pngSides(png: Buffer): readonly [height: number, width: number] {
  if (png.length < 33 || !png.subarray(0, 8).equals(signature)) throw new PngError("not a PNG image");
  return [png.readUInt32BE(20), png.readUInt32BE(16)];
}

/** @throws {PngError} */
export function decodePng(png: Buffer): PngImage {
  const [height, width] = pngSides(png);
  const { depth, channels, palette, data } = decoded(png);
  if (depth !== 8 || palette || (channels !== 1 && channels !== 3)) {
    const found = palette ? "a palette" : `${channels} channels of ${depth} bits`;
    throw new PngError(
      `the image has ${found}: it must be grey (1 channel) or RGB (3 channels), of 8 bits, without alpha`,
    );
  }
  return { shape: [height, width, channels], pixels: Uint8Array.from(data) };
}

function decoded(png: Buffer): ReturnType<typeof decode> {
  try {
    return decode(png, { checkCrc: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    // The decoder cuts some messages at their colon.
    throw new PngError(`a damaged PNG image: ${why.replace(/:\s*$/, "")}`);
  }
}
