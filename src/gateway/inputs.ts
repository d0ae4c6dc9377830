import { decode, encode } from "fast-png";
import { type Image, quantiseVector, type Squeezer, squeezeImage } from "../monitor/index.ts";
import { Unparsed, type WireInput } from "./protocols/index.ts";

/** An input, read: what can be squeezed and captured. */
export type Input =
  | { readonly kind: "Image"; readonly image: Image }
  | { readonly kind: "Vector"; readonly values: Float32Array };

const pngPrefix = "data:image/png;base64,";
/** Larger than any input of a model here; a small PNG can unfold into gigabytes. */
const mostPixels = 1 << 24;

/** @throws {Unparsed} when it is not what the modality says: a data URI with a PNG of 8 bits, or finite numbers */
export function readInput(wire: WireInput, modality: Input["kind"]): Input {
  if (modality === "Vector") {
    if (typeof wire === "string") throw new Unparsed("input", "an input is text, not a vector");
    const values = Float32Array.from(wire);
    if (!values.every(Number.isFinite)) throw new Unparsed("input", "an input has a number that is not finite");
    return { kind: "Vector", values };
  }
  if (typeof wire !== "string" || !wire.startsWith(pngPrefix)) {
    throw new Unparsed("input", `an input does not start with ${pngPrefix}`);
  }
  return { kind: "Image", image: readPng(Buffer.from(wire.slice(pngPrefix.length), "base64")) };
}

export function writeInput(input: Input): WireInput {
  if (input.kind === "Vector") return Array.from(input.values);
  const { width, height, channels, pixels } = input.image;
  const png = encode({ width, height, channels, depth: 8, data: pixels });
  return pngPrefix + Buffer.from(png.buffer, png.byteOffset, png.byteLength).toString("base64");
}

/** @throws {RangeError} when the squeezer is not one for the input */
export function squeezeInput(input: Input, squeezer: Squeezer): Input {
  if (input.kind === "Vector") {
    if (squeezer !== "Quantise") throw new RangeError(`${squeezer} is for images`);
    return { kind: "Vector", values: quantiseVector(input.values) };
  }
  if (squeezer === "Quantise") throw new RangeError("Quantise is for vectors");
  return { kind: "Image", image: squeezeImage(input.image, squeezer) };
}

/** @returns numbers of one input: [height, width, channels] or [d] */
export function shapeOf(input: Input): readonly number[] {
  if (input.kind === "Vector") return [input.values.length];
  const { height, width, channels } = input.image;
  return [height, width, channels];
}

/** The inputs of a dataset's or a bundle's rows. */
export function inputsFrom(rows: {
  readonly inputs: Uint8Array | Float32Array;
  readonly shape: readonly number[];
  readonly count: number;
}): Input[] {
  const { inputs, shape, count } = rows;
  const size = shape.reduce((product, side) => product * side, 1);
  return Array.from({ length: count }, (_, i) => {
    if (inputs instanceof Float32Array) return { kind: "Vector", values: inputs.slice(i * size, (i + 1) * size) };
    const [height = 1, width = 1, channels = 1] = shape;
    return { kind: "Image", image: { height, width, channels, pixels: inputs.slice(i * size, (i + 1) * size) } };
  });
}

function readPng(bytes: Uint8Array): Image {
  // IHDR is always first: width and height stand at bytes 16 and 20.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 33 || view.getUint32(16) * view.getUint32(20) > mostPixels) {
    throw new Unparsed("input", "an image is not a PNG, or too large");
  }
  try {
    const { width, height, channels, depth, data, palette } = decode(bytes);
    if (depth !== 8 || palette || !(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
      throw new Unparsed("input", "an image is not of 8 bits a channel, grey or RGB");
    }
    return { width, height, channels, pixels: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  } catch (error) {
    if (error instanceof Unparsed) throw error;
    throw new Unparsed("input", `an image is not a PNG: ${error instanceof Error ? error.message : "unreadable"}`);
  }
}
