import { decodePng, elements, PngError, pngSides } from "../registry/index.ts";

/** The client sent something that cannot be embedded. */
export class BadInput extends Error {
  override readonly name = "BadInput";
  readonly status: 400 | 413 | 415;

  constructor(status: 400 | 413 | 415, message: string) {
    super(message);
    this.status = status;
  }
}

export type InputKind = { readonly modality: "Image" | "Vector"; readonly shape: readonly number[] };

/** An image as text, or a vector, whose numbers are still to be looked at. */
export type Input = string | readonly (number | null)[];

const prefix = "data:image/png;base64,";

/**
 * One input of a request as raw numbers.
 *
 * @param at  the field, for messages
 * @returns bytes of an image, or a vector
 * @throws {BadInput}
 */
export function decodeInput(input: Input, kind: InputKind, at: string): Uint8Array | Float32Array {
  if (kind.modality === "Image") {
    if (typeof input === "string") return decodeImage(input, kind.shape, at);
    throw new BadInput(400, `${at}: numbers were given, this model takes images as ${prefix}… strings`);
  }
  if (typeof input === "string")
    throw new BadInput(400, `${at}: a string was given, this model takes arrays of numbers`);
  const size = elements(kind.shape);
  if (input.length !== size)
    throw new BadInput(400, `${at}: ${input.length} numbers were given, this model takes ${size}`);
  const vector = Float32Array.from(input, (value) => value ?? Number.NaN);
  const bad = vector.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new BadInput(400, `${at}[${bad}]: ${input[bad]} is not a finite number of 32 bits`);
  return vector;
}

function decodeImage(text: string, [height = 0, width = 0, channels = 0]: readonly number[], at: string): Uint8Array {
  if (!text.startsWith(prefix)) throw new BadInput(400, `${at}: an image must be a string that begins with ${prefix}`);
  const png = Buffer.from(text.slice(prefix.length), "base64");
  try {
    const [pngHeight, pngWidth] = pngSides(png);
    if (pngWidth !== width || pngHeight !== height) {
      throw new PngError(`the image has ${pngWidth} × ${pngHeight} pixels, this model takes ${width} × ${height}`);
    }
    const { shape, pixels } = decodePng(png);
    if (shape[2] !== channels) throw new PngError(`the image has ${shape[2]} channels, this model takes ${channels}`);
    return pixels;
  } catch (error) {
    if (error instanceof PngError) throw new BadInput(400, `${at}: ${error.message}`);
    throw error;
  }
}
