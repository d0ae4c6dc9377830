import { z } from "zod";

/**
 * One decision of the curriculum. With the seed and the data the run can be replayed from these: between two entries
 * nothing about the perturbations changes.
 */
export const logEntry = z.object({
  /** optimiser steps done when it was taken */
  step: z.int(),
  action: z.enum(["Start", "Raise", "Lower", "Hold", "RollBack"]),
  why: z.string(),
  /** what holds from here on */
  scale: z.number(),
  attackSteps: z.int(),
  augmentation: z.number(),
  seed: z.int(),
  /** what it was decided from */
  clean: z.number().nullable(),
  fgsm: z.number().nullable(),
  robust: z.number().nullable(),
  effectiveRank: z.number().nullable(),
  loss: z.number().nullable(),
});
export type LogEntry = z.infer<typeof logEntry>;

export const logFile = "perturbations.jsonl";

/** One entry a line. */
export function encodeLog(log: readonly LogEntry[]): Uint8Array {
  return new TextEncoder().encode(log.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
}
