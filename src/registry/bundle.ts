import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { digest, storeUri } from "../api/index.ts";
import { fieldErrors, inWords } from "./field-errors.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor, takeTensor } from "./safetensors.ts";
import { whyNotRead } from "./why-not-read.ts";

/** The folder is not a model bundle, or its parts do not fit together (exit code 11 in Jobs). */
export class BundleError extends Error {
  override readonly name = "BundleError";
}

export const architectures = ["residual-mlp", "vit"] as const;

/** `evenkeel.json`: what stands beside a Hugging Face folder. */
export const bundleDescription = z.object({
  modality: z.enum(["Image", "Vector"]),
  shape: z.array(z.int().min(1)).min(1).max(3).describe("Of one input: [height, width, channels] or [d]."),
  dimension: z.int().min(1).describe("Numbers in an embedding."),
  architecture: z.enum(architectures),
  normalise: z.literal(true).describe("Embeddings have length 1."),
  parent: digest.optional().describe("The model it was made from."),
  retraining: z.string().optional().describe("Namespace and name of the run that made it."),
  seed: z.int().min(0),
  steps: z.int().min(0),
  backend: z.string(),
  perturbationLog: z
    .object({ file: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })
    .optional()
    .describe("Every decision of the curriculum: with the seed the run can be replayed."),
  reference: z
    .object({
      dataset: storeUri,
      count: z.int().min(0),
      traffic: storeUri.optional(),
      trafficSince: z.int().min(0).optional(),
    })
    .optional()
    .describe("What the monitoring reference was embedded from."),
});
export type BundleDescription = z.infer<typeof bundleDescription>;

export const descriptionFile = "evenkeel.json";
const probesFile = "probes.safetensors";
const referenceFile = "reference.safetensors";

/** Fixed inputs and the vectors that this model gives for them. */
export type Probes = {
  /** of one input */
  readonly shape: readonly number[];
  /** images 0 to 255, or vectors; [count × shape] */
  readonly inputs: Uint8Array | Float32Array;
  readonly count: number;
  /** [count × dimension] */
  readonly embeddings: Float32Array;
  readonly dimension: number;
};

/** What this model's live vectors are compared with: embeddings of inputs it was never trained on. */
export type ReferenceEmbeddings = {
  readonly count: number;
  readonly dimension: number;
  /** [count × dimension], in dataset order, admitted traffic at the end */
  readonly embeddings: Float32Array;
  /** [count × 16] */
  readonly sources: Uint8Array;
  /**
   * [count], 1 for rows that live traffic should look like now: admitted traffic when there is enough of it, else all.
   * `RepresentationDrift` compares with these, `ShiftFromBaseline` with the rows of the first approved version.
   */
  readonly live: Uint8Array;
  /** consistency scores 1 − cos by squeezer, on the clean inputs */
  readonly squeezed: ReadonlyMap<string, Float32Array>;
  /** the same on the threat model's benign families */
  readonly squeezedBenign: ReadonlyMap<string, Float32Array>;
};

/** @throws {BundleError} */
export async function readDescription(folder: string): Promise<BundleDescription> {
  const text = await readPart(folder, descriptionFile);
  try {
    return bundleDescription.parse(JSON.parse(text.toString("utf8")), { error: inWords });
  } catch (error) {
    const why = error instanceof z.ZodError ? fieldErrors(error) : "it is not JSON";
    throw new BundleError(`${descriptionFile}: ${why}`, { cause: error });
  }
}

/** @throws {BundleError} */
export async function readProbes(folder: string): Promise<Probes> {
  const bytes = await readPart(folder, probesFile);
  return parsed(probesFile, () => {
    const tensors = decodeSafetensors(bytes);
    const embeddings = takeTensor(tensors, "embeddings", "F32");
    const inputs =
      tensors.get("inputs")?.dtype === "U8"
        ? takeTensor(tensors, "inputs", "U8")
        : takeTensor(tensors, "inputs", "F32");
    const [count = 0, dimension = 0] = embeddings.shape;
    const [rows = 0, ...shape] = inputs.shape;
    if (rows !== count) throw new BundleError(`${probesFile}: ${rows} inputs and ${count} embeddings`);
    return { shape, inputs: inputs.data, count, embeddings: embeddings.data, dimension };
  });
}

export function encodeProbes(probes: Probes): Record<string, Uint8Array> {
  const shape = [probes.count, ...probes.shape];
  const { inputs } = probes;
  return {
    [probesFile]: encodeSafetensors({
      inputs:
        inputs instanceof Uint8Array ? { dtype: "U8", shape, data: inputs } : { dtype: "F32", shape, data: inputs },
      embeddings: { dtype: "F32", shape: [probes.count, probes.dimension], data: probes.embeddings },
    }),
  };
}

/** @returns null when the bundle brings none (a foreign model). @throws {BundleError} */
export async function readReference(folder: string): Promise<ReferenceEmbeddings | null> {
  const bytes = await readFile(join(folder, referenceFile)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (!bytes) return null;
  return parsed(referenceFile, () => {
    const tensors = decodeSafetensors(bytes);
    const embeddings = takeTensor(tensors, "embeddings", "F32");
    const sources = takeTensor(tensors, "sources", "U8");
    const [count = 0, dimension = 0] = embeddings.shape;
    if (sources.data.length !== count * 16) throw new BundleError(`${referenceFile}: sources do not fit embeddings`);
    const live = tensors.has("live") ? takeTensor(tensors, "live", "U8").data : new Uint8Array(count).fill(1);
    if (live.length !== count) throw new BundleError(`${referenceFile}: live does not fit embeddings`);
    const squeezed = new Map<string, Float32Array>();
    const squeezedBenign = new Map<string, Float32Array>();
    for (const name of tensors.keys()) {
      if (name.startsWith("squeezed_benign_")) {
        squeezedBenign.set(name.slice("squeezed_benign_".length), takeTensor(tensors, name, "F32").data);
      } else if (name.startsWith("squeezed_")) {
        squeezed.set(name.slice("squeezed_".length), takeTensor(tensors, name, "F32").data);
      }
    }
    return { count, dimension, embeddings: embeddings.data, sources: sources.data, live, squeezed, squeezedBenign };
  });
}

export function encodeReferenceEmbeddings(reference: ReferenceEmbeddings): Record<string, Uint8Array> {
  const { count, dimension } = reference;
  const tensors: Record<string, StoredTensor> = {
    embeddings: { dtype: "F32", shape: [count, dimension], data: reference.embeddings },
    sources: { dtype: "U8", shape: [count, 16], data: reference.sources },
    live: { dtype: "U8", shape: [count], data: reference.live },
  };
  for (const [squeezer, data] of reference.squeezed) {
    tensors[`squeezed_${squeezer}`] = { dtype: "F32", shape: [data.length], data };
  }
  for (const [squeezer, data] of reference.squeezedBenign) {
    tensors[`squeezed_benign_${squeezer}`] = { dtype: "F32", shape: [data.length], data };
  }
  return { [referenceFile]: encodeSafetensors(tensors) };
}

function parsed<Value>(file: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof BundleError) throw error;
    throw new BundleError(`${file}: ${error instanceof Error ? error.message : "unreadable"}`, { cause: error });
  }
}

async function readPart(folder: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, file));
  } catch (error) {
    throw new BundleError(`${folder} is not a model bundle: ${file} cannot be read: ${whyNotRead(error)}`, {
      cause: error,
    });
  }
}
