import { z } from "zod";
import { CorruptArtefact, decodeArtefact, encodeArtefact, takeF64, takeU8 } from "./artefact.ts";
import { packedLength, packMultiples, unpackMultiples } from "./compact-vector.ts";
import { bets, type DetectorState } from "./e-detector.ts";
import type { Reference } from "./reference.ts";
import { SketchMismatch } from "./sketch.ts";

const head = z.object({
  kind: z.literal("e-detector"),
  reference: z.string(),
  block: z.int().min(-1),
  used: z.int().min(0),
  unit: z.number().min(0),
});

/** @returns the state as a checkpoint: 1.4 KB at d = 768, 6.4 KB at d = 4096 */
export function encodeDetector(state: DetectorState): Uint8Array {
  const { reference, block, used, evidence, offset } = state;
  const { unit, multiples } = offset;
  return encodeArtefact({ kind: "e-detector", reference, block, used, unit } satisfies z.infer<typeof head>, {
    evidence,
    offset: packMultiples(multiples),
  });
}

/**
 * @param reference  what the state must bet against
 * @throws {CorruptArtefact} when the bytes are not a state
 * @throws {SketchMismatch} when it is the state of another reference
 */
export function decodeDetector(bytes: Uint8Array, reference: Reference): DetectorState {
  const decoded = decodeArtefact(bytes, head);
  const { block, used, unit } = decoded.head;
  if (decoded.head.reference !== reference.hash) {
    throw new SketchMismatch(`the checkpoint is of reference ${decoded.head.reference}, not of ${reference.hash}`);
  }
  if (used >= reference.blocks.rows) {
    throw new CorruptArtefact(`${used} reference blocks are used, there are ${reference.blocks.rows}`);
  }
  const evidence = takeF64(decoded.arrays, "evidence", bets.length);
  if (!evidence.every((m) => m >= 0 && m < Infinity)) throw new CorruptArtefact("its evidence is not finite");
  const packed = takeU8(decoded.arrays, "offset", packedLength(reference.dimension));
  const offset = { unit, multiples: unpackMultiples(packed, reference.dimension) };
  return { reference: reference.hash, block, used, evidence, offset };
}
