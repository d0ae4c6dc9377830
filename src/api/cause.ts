import { z } from "zod";
import { instant } from "./values.ts";

export const causeClass = z.enum(["Drift", "Attack", "Custom", "Schedule", "Manual"]);
export type CauseClass = z.infer<typeof causeClass>;

export const cause = z
  .object({
    id: z.string().max(64).describe("Hash of trigger, reference digest and alarm number: one cause, one run."),
    class: causeClass.describe("Class of the cause: budgets and the circuit breaker are kept for each."),
    trigger: z.string().max(63).describe("The trigger's name."),
    value: z.number().nullable().default(null).describe("What was measured."),
    threshold: z.number().nullable().default(null).describe("What it was compared with."),
    query: z.string().max(2048).default("").describe("The query that gave it."),
    at: instant.describe("When the cause was recorded."),
    dataDigest: z
      .string()
      .max(71)
      .default("")
      .describe("Digest of the captured data at that time; what was proved of it is tried again only when it changed."),
    generation: z.int().default(0).describe("Generation of the service that its run is made under."),
  })
  .describe("Why a run was started.");
export type Cause = z.infer<typeof cause>;
