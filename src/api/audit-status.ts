import { z } from "zod";
import { digest, instant } from "./values.ts";

const auditEntry = z
  .object({
    seq: z.int().describe("Number in the chain."),
    at: instant.describe("When."),
    kind: z.string().max(64).describe("What was decided."),
    subject: z.string().max(253).describe("The object it is about."),
    detail: z.string().max(2048).describe("Canonical JSON of the facts."),
    prev: digest.describe("Hash of the entry before."),
    hash: digest.describe("Hash of this entry."),
  })
  .describe("An entry of the audit chain.");

/** Entries that may wait at once. */
export const mostPending = 8;
/**
 * Of these, kept free while the trail can be written, for what is decided even while it cannot: the start of protection,
 * and a rollback with what it activates.
 */
export const pendingReserve = 4;

export const auditStatus = z
  .object({
    seq: z.int().default(0).describe("Number of the last entry."),
    head: z.string().max(71).default("").describe("Hash of the last entry."),
    segment: z.int().default(0).describe("Number of the segment that entries are written to."),
    taken: z
      .array(
        z
          .object({
            uid: z.string().max(64).describe("UID of the run or rollout."),
            n: z.int().describe("Number of its last decision that is in the chain."),
          })
          .describe("How far one object's decisions were taken in."),
      )
      .max(20)
      .default([])
      .describe("How far the decisions of runs and rollouts were taken in."),
    pending: z.array(auditEntry).max(mostPending).default([]).describe("Entries that are not yet in their segment."),
  })
  .describe("The head of the audit chain.");
export type AuditStatus = z.infer<typeof auditStatus>;
