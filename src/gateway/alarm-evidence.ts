import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { jsonOf, storeUri } from "../api/index.ts";
import { type BlockSum, leastExported, SketchMismatch } from "../monitor/index.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor, takeTensor } from "../registry/index.ts";
import type { AlarmEvidence, StepInput } from "./alarm-trail.ts";
import { signals } from "./fleet-monitor.ts";
import { decodeState, encodeState } from "./fleet-state.ts";
import type { Material } from "./material.ts";
import type { MaterialOrigin } from "./material-message.ts";

const count = z.int().min(0);
const model = z.object({ digest: z.string(), uri: z.string() });
const description = z.object({
  model: z.string(),
  /** What the references were built of. */
  origin: z
    .object({
      model,
      baseline: model,
      service: z.object({ namespace: z.string(), name: z.string() }),
      dataset: storeUri,
    })
    .nullable(),
  blockMs: z.int().min(1),
  raised: z.array(z.object({ signal: z.enum(signals), number: count })),
  steps: z.array(
    z.object({
      block: count,
      /** `vectors`: how many of them each row of `sums.safetensors` is the sum of, by its reference. */
      seen: z.object({ n: count, scored: count, flagged: count, vectors: z.record(z.string(), count) }).nullable(),
      pods: z.object({ compared: count, mismatched: count }),
      settings: z.object({
        threshold: z.number(),
        minVectors: z.int(),
        minShare: z.number(),
        shareWindow: z.int(),
        minScored: z.int(),
        protecting: z.boolean(),
      }),
    }),
  ),
});

/** The state before the first step, as the ConfigMap has it. */
const stateFile = "before.json";
const stepsFile = "alarm.json";
/** By reference, a row for each step that has vectors of it, in their order. */
const sumsFile = "sums.safetensors";

/** Where the evidence of a service's alarms lies. */
export function alarmsName(namespace: string, service: string): string {
  return `alarms/${namespace}/${service}`;
}

/** @returns at most 32 steps × two references × 8 bytes a dimension: 0.4 MB at d = 768, 2.1 MB at d = 4096 */
export function evidenceFiles({ origin, raised, before, steps }: AlarmEvidence): Record<string, Uint8Array> {
  const rows = new Map<string, Float64Array[]>();
  const told: z.input<typeof description>["steps"] = steps.map(({ block, seen, pods, settings }) => {
    if (!seen) return { block, seen, pods: { ...pods }, settings: { ...settings } };
    const { n, scored, flagged } = seen;
    // A step with fewer came to no bet: without them it is the same (decision 7).
    const exported = [...seen.sketches].filter(([, sum]) => sum.n >= leastExported);
    for (const [reference, { sum }] of exported) rows.set(reference, [...(rows.get(reference) ?? []), sum]);
    const vectors = Object.fromEntries(exported.map(([reference, sum]) => [reference, sum.n]));
    return { block, seen: { n, scored, flagged, vectors }, pods: { ...pods }, settings: { ...settings } };
  });
  const { model, blockMs } = before;
  const head: z.input<typeof description> = { model, origin, blockMs, raised: [...raised], steps: told };
  const tensors = [...rows].map(([reference, sums]) => [reference, matrixTensor(sums)] as const);
  return {
    [stepsFile]: Buffer.from(`${JSON.stringify(head, null, 2)}\n`),
    [stateFile]: Buffer.from(encodeState(before, null)),
    [sumsFile]: encodeSafetensors(Object.fromEntries(tensors)),
  };
}

/** @returns null when the alarm needed no references */
export async function readOrigin(folder: string): Promise<MaterialOrigin | null> {
  return description.pick({ origin: true }).parse(jsonOf(await readFile(join(folder, stepsFile), "utf8"))).origin;
}

/**
 * @param material  of the model that the alarm is about, with the references it was raised against
 * @throws {SketchMismatch} when it has others
 * @throws {z.ZodError | SafetensorsError} when the files are not evidence
 */
export async function readEvidence(folder: string, material: Material): Promise<AlarmEvidence> {
  const [head, state, sums] = await Promise.all(
    [stepsFile, stateFile, sumsFile].map((file) => readFile(join(folder, file))),
  );
  const { model, origin, blockMs, raised, steps } = description.parse(jsonOf(String(head)));
  const tensors = decodeSafetensors(sums ?? new Uint8Array());
  const known = [material.drift?.hash, material.baseline?.hash];
  const other = [...tensors.keys()].find((reference) => !known.includes(reference));
  if (model !== material.model || other !== undefined) {
    throw new SketchMismatch(`the alarm is of model ${model} and reference ${other ?? known[0]}, not of these`);
  }
  const used = new Map<string, number>();
  const sumOf = (reference: string, block: number, n: number): BlockSum => {
    const { shape, data } = takeTensor(tensors, reference, "F64");
    const [row, dimension = 0] = [used.get(reference) ?? 0, shape[1]];
    used.set(reference, row + 1);
    return { model, block, n, sum: data.slice(row * dimension, (row + 1) * dimension) };
  };
  return {
    origin,
    raised,
    before: decodeState(String(state), material, 0, blockMs).state,
    steps: steps.map(({ block, seen, pods, settings }): StepInput => {
      if (!seen) return { block, seen, pods, settings };
      const { n, scored, flagged, vectors } = seen;
      const sketches = new Map(
        Object.entries(vectors).map(([reference, m]) => [reference, sumOf(reference, block, m)] as const),
      );
      return { block, seen: { model, block, n, scored, flagged, sketches }, pods, settings };
    }),
  };
}

function matrixTensor(rows: readonly Float64Array[]): StoredTensor {
  const dimension = rows[0]?.length ?? 0;
  const data = new Float64Array(rows.length * dimension);
  rows.forEach((row, i) => data.set(row, i * dimension));
  return { dtype: "F64", shape: [rows.length, dimension], data };
}
