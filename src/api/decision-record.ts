import { z } from "zod";
import { instant } from "./values.ts";

/**
 * A decision that a run or a rollout has taken, waiting in its status until its service has taken it into the audit
 * chain: the chain has one writer, while each status has one too (decisions 28 and 36).
 */
export const decisionRecord = z
  .object({
    n: z.int().describe("Number among the object's decisions, from 1."),
    at: instant.describe("When."),
    kind: z.string().max(64).describe("What was decided."),
    detail: z.string().max(2048).describe("Canonical JSON of the facts."),
  })
  .describe("A decision on its way into the audit chain.");
export type DecisionRecord = z.infer<typeof decisionRecord>;

/** Most decisions that may wait for the audit chain; no further one is taken before there is room. */
export const mostDecisions = 10;
/** Of these, kept free by a rollout that goes forth: for the end of a promotion whose patch is made, and for going back. */
export const decisionReserve = 3;

export const decisionRecords = z
  .array(decisionRecord)
  .max(mostDecisions)
  .default([])
  .describe("Decisions that the service has not yet taken into its audit chain.");
