import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import {
  BundleError,
  decodeSafetensors,
  elements,
  encodeSafetensors,
  type StoredTensor,
  type StoredTensors,
  takeTensor,
  whyNotRead,
} from "../registry/index.ts";
import { buildNetwork } from "./architectures/index.ts";
import type { Encoder } from "./encoder.ts";
import { heldShape, type Network, type Parameter } from "./network.ts";

const configFile = "config.json";
const weightsFile = "model.safetensors";
const preprocessorFile = "preprocessor_config.json";

/**
 * Loads an encoder from a Hugging Face folder: `config.json` and `model.safetensors`.
 *
 * @throws {BundleError} when a file, a field or a tensor is missing, has another shape or is not finite
 */
export async function loadEncoder(folder: string): Promise<Encoder> {
  const { network, stored } = await readEncoder(folder);
  const weights = Object.fromEntries(stored.map(([parameter, numbers]) => [parameter.name, hold(parameter, numbers)]));
  return { network, weights };
}

/**
 * Finds what `loadEncoder` would refuse, without a backend.
 *
 * @throws {BundleError} as `loadEncoder` does
 */
export async function checkEncoder(folder: string): Promise<void> {
  await readEncoder(folder);
}

type Stored = readonly [parameter: Parameter, numbers: Float32Array];

async function readEncoder(folder: string): Promise<{ network: Network; stored: readonly Stored[] }> {
  const config: unknown = parseJson(configFile, await readPart(folder, configFile));
  const network = buildNetwork(withPreprocessor(config, await readPreprocessor(folder)));
  const tensors = decode(await readPart(folder, weightsFile));
  return { network, stored: network.parameters.map((parameter) => [parameter, find(tensors, network, parameter)]) };
}

/** The files of an encoder's Hugging Face folder. */
export function encoderFiles({ network, weights }: Encoder): Record<string, Uint8Array> {
  const tensors: Record<string, StoredTensor> = {};
  for (const parameter of network.parameters) {
    const held = weights[parameter.name]?.dataSync<"float32">();
    if (!held) throw new BundleError(`weight ${parameter.name} is missing`);
    tensors[parameter.name] = {
      dtype: "F32",
      shape: parameter.shape,
      data: toStored(parameter, Float32Array.from(held)),
    };
  }
  const files: Record<string, Uint8Array> = {
    [configFile]: json(network.config),
    [weightsFile]: encodeSafetensors(tensors, { format: "pt" }),
  };
  if (network.architecture === "vit") files[preprocessorFile] = json(preprocessor(network));
  return files;
}

/** What `transformers`' ViTImageProcessor needs to give the same pixels. */
function preprocessor({ config, inputShape: [height, width] }: Network): Record<string, unknown> {
  return {
    image_processor_type: "ViTImageProcessor",
    do_resize: true,
    size: { height, width },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: config["image_mean"],
    image_std: config["image_std"],
  };
}

function withPreprocessor(config: unknown, processor: Record<string, unknown>): unknown {
  if (typeof config !== "object" || config === null) return config;
  const { image_mean, image_std } = processor;
  return { ...(image_mean !== undefined && { image_mean }), ...(image_std !== undefined && { image_std }), ...config };
}

async function readPreprocessor(folder: string): Promise<Record<string, unknown>> {
  const bytes = await readFile(join(folder, preprocessorFile)).catch(() => null);
  const value = bytes ? parseJson(preprocessorFile, bytes) : {};
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** Models with a head keep the encoder's tensors under a prefix, such as `vit.`. */
function find(stored: StoredTensors, network: Network, { name, shape }: Parameter): Float32Array {
  const prefix = network.architecture === "vit" && !stored.has(name) ? "vit." : "";
  const tensor = inWeightsFile(() => takeTensor(stored, `${prefix}${name}`, "F32"));
  if (tensor.shape.length !== shape.length || tensor.shape.some((side, i) => side !== shape[i])) {
    throw new BundleError(
      `${weightsFile}: ${name} has shape [${tensor.shape.join(", ")}], ${configFile} asks for [${shape.join(", ")}]`,
    );
  }
  if (!tensor.data.every(Number.isFinite))
    throw new BundleError(`${weightsFile}: ${name} holds numbers that are not finite`);
  return tensor.data;
}

function hold(parameter: Parameter, stored: Float32Array): tf.Tensor {
  const shape = heldShape(parameter);
  if (parameter.layout === "Same") return tf.tensor(stored, shape);
  const [out = 0, channels = 0, ...sides] = parameter.shape;
  const area = elements(sides);
  const held = new Float32Array(stored.length);
  for (let o = 0; o < out; o++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < area; p++) held[(p * channels + c) * out + o] = stored[(o * channels + c) * area + p] ?? 0;
    }
  }
  return tf.tensor(held, shape);
}

function toStored({ shape, layout }: Parameter, held: Float32Array): Float32Array {
  if (layout === "Same") return held;
  const [out = 0, channels = 0, ...sides] = shape;
  const area = elements(sides);
  const stored = new Float32Array(held.length);
  for (let o = 0; o < out; o++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < area; p++) stored[(o * channels + c) * area + p] = held[(p * channels + c) * out + o] ?? 0;
    }
  }
  return stored;
}

function decode(bytes: Uint8Array): StoredTensors {
  return inWeightsFile(() => decodeSafetensors(bytes));
}

/** @throws {BundleError} that names the file */
function inWeightsFile<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new BundleError(`${weightsFile}: ${error instanceof Error ? error.message : "unreadable"}`, { cause: error });
  }
}

function parseJson(file: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new BundleError(`${file} is not JSON`, { cause: error });
  }
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

async function readPart(folder: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, file));
  } catch (error) {
    throw new BundleError(`${folder} is not a model: ${file} cannot be read: ${whyNotRead(error)}`, { cause: error });
  }
}
