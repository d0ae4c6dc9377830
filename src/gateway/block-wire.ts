import { z } from "zod";
import { digest } from "../api/index.ts";
import { decodeSketch, encodeSketch, leastExported, type Reference, type Sketch } from "../monitor/index.ts";
import type { ModelBlock } from "./block-recorder.ts";

const count = z.int().min(0);
const wireBlock = z.object({
  block: count,
  n: count,
  /** By reference, in base64. */
  sketches: z.record(z.string(), z.base64()),
  scored: count,
  flagged: count,
});

/** The answer of `GET /internal/blocks?model=DIGEST&after=N`. */
export const wireBlocks = z.object({
  pod: z.string(),
  model: digest,
  blockMs: z.int().min(1),
  blocks: z.array(wireBlock).max(10_000),
});
export type WireBlocks = z.infer<typeof wireBlocks>;

/** A block as it leaves the process: sketches of few vectors stay (decision 7), their number goes. */
export function encodeBlock({ block, n, sketches, scored, flagged }: ModelBlock): WireBlocks["blocks"][number] {
  const exported = [...sketches].filter(([, sketch]) => sketch.n >= leastExported);
  return {
    block,
    n,
    sketches: Object.fromEntries(
      exported.map(([name, sketch]) => [name, Buffer.from(encodeSketch(sketch)).toString("base64")]),
    ),
    scored,
    flagged,
  };
}

/**
 * @param references  that sketches are taken of; those of others are left out
 * @throws {CorruptArtefact} when a sketch is not one
 */
export function decodeBlock(
  model: string,
  { block, n, sketches: encoded, scored, flagged }: WireBlocks["blocks"][number],
  references: readonly Reference[],
): ModelBlock {
  const sketches = new Map<string, Sketch>();
  for (const reference of references) {
    const bytes = encoded[reference.hash];
    if (bytes !== undefined) sketches.set(reference.hash, decodeSketch(Buffer.from(bytes, "base64"), reference));
  }
  return { model, block, n, sketches, scored, flagged };
}
