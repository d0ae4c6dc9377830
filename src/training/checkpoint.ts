import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import {
  decodeSafetensors,
  encodeSafetensors,
  type Runs,
  SafetensorsError,
  type StoredTensor,
} from "../registry/index.ts";
import type { Curriculum } from "./curriculum.ts";
import type { OptimiserState } from "./optimiser.ts";
import { type LogEntry, logEntry } from "./training-log.ts";

/** Everything that a run needs to go on as if it had never stopped. */
export type Checkpoint = { readonly state: OptimiserState; readonly curriculum: Curriculum; readonly log: LogEntry[] };

const file = "checkpoint.safetensors";
const head = z.object({
  /** hash of all that decides the run */
  identity: z.string(),
  step: z.int().min(0),
  curriculum: z.object({
    scale: z.number(),
    attackSteps: z.int(),
    augmentation: z.number(),
    bestClean: z.number(),
    lastRobust: z.number().nullable(),
  }),
  log: z.array(logEntry),
});
const parts = ["weights", "first", "second", "average"] as const;

/** Where a run's checkpoint lies, and what decides that it is this run's. */
export type CheckpointPlace = { readonly runs: Runs; readonly run: string; readonly identity: string };

export async function saveCheckpoint(place: CheckpointPlace, { state, curriculum, log }: Checkpoint): Promise<void> {
  const json = new TextEncoder().encode(
    JSON.stringify({ identity: place.identity, step: state.step, curriculum, log }),
  );
  const tensors: Record<string, StoredTensor> = { head: { dtype: "U8", shape: [json.length], data: json } };
  for (const part of parts) {
    for (const [name, tensor] of Object.entries(state[part])) {
      const data = Float32Array.from(tensor.dataSync<"float32">());
      tensors[`${part}/${name}`] = { dtype: "F32", shape: tensor.shape, data };
    }
  }
  await place.runs.write(place.run, file, encodeSafetensors(tensors));
}

/** @returns null when there is none, when it is damaged, or when it belongs to another run */
export async function loadCheckpoint(place: CheckpointPlace): Promise<Checkpoint | null> {
  const bytes = await place.runs.read(place.run, file);
  if (!bytes) return null;
  try {
    const stored = decodeSafetensors(bytes);
    const json = stored.get("head");
    if (json?.dtype !== "U8") return null;
    const { identity, step, curriculum, log } = head.parse(JSON.parse(new TextDecoder().decode(json.data)));
    if (identity !== place.identity) return null;
    const of = (part: string): Record<string, tf.Tensor> =>
      Object.fromEntries(
        [...stored]
          .filter(([name]) => name.startsWith(`${part}/`))
          .map(([name, { data, shape }]) => [name.slice(part.length + 1), tf.tensor(data, [...shape])]),
      );
    const state = { step, weights: of("weights"), first: of("first"), second: of("second"), average: of("average") };
    return { state, curriculum, log };
  } catch (error) {
    // Training from the beginning is always right; a damaged checkpoint must not end the run.
    if (error instanceof SafetensorsError || error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

export async function removeCheckpoint({ runs, run }: Pick<CheckpointPlace, "runs" | "run">): Promise<void> {
  await runs.remove(run, file);
}
