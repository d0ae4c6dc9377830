import { z } from "zod";
import { auditStatus } from "./audit-status.ts";
import { cause, causeClass } from "./cause.ts";
import { documentCounts, documentsTaken } from "./document-count.ts";
import { conditions } from "./object.ts";
import { keyedBy } from "./rules.ts";
import { digest, instant } from "./values.ts";

const verdictKind = z.enum(["Pass", "Fail", "NoData", "SourceError"]);

const signalStatus = z
  .object({
    name: z.string().max(63).describe("The trigger's name."),
    verdict: verdictKind.describe("What the signal said last. Unknown is never a pass and never a fail."),
    value: z.number().nullable().default(null).describe("The measured value."),
    threshold: z.number().nullable().default(null).describe("What it was compared with."),
    since: instant.optional().describe("When this verdict began."),
    failingSince: instant.optional().describe("When it began to fail; kept while the source says nothing."),
    failingFor: z.int().default(0).describe("Seconds of observed failing, up to the last evaluation."),
    held: z.boolean().default(false).describe("Whether that was as long as the trigger asks for."),
    evaluatedAt: instant.optional().describe("When it was last evaluated."),
    alarm: z
      .int()
      .default(0)
      .describe("Number of the alarm: as persisted by the monitor, of a query the times that it has newly held."),
    asked: z
      .string()
      .max(12)
      .default("")
      .describe("Hash of the signal or the query with its limits; of another one nothing that was seen counts."),
    model: z.string().max(71).default("").describe("Digest of the model that was active then."),
    reason: z.string().max(32).default("").describe("One word for machines: why."),
    message: z.string().max(256).default("").describe("What it means."),
  })
  .describe("The state of one trigger.");
export type SignalStatus = z.infer<typeof signalStatus>;

const modelRef = z.object({
  name: z.string().max(63).describe("Name of the ModelVersion."),
  digest: digest.describe("Its digest."),
  uri: z.string().max(512).describe("Its URI."),
});
export type ModelRef = z.infer<typeof modelRef>;

export const embeddingServiceStatus = z
  .object({
    observedGeneration: z.int().optional().describe("The generation of the spec that was last acted on."),
    phase: z
      .string()
      .max(32)
      .default("Pending")
      .describe("One word for the whole: Learning, Steady, Retraining, RollingOut, Protecting, Stalled."),
    conditions,
    activeVersion: modelRef.optional().describe("The model that is active: the truth (decision 36)."),
    baselineVersion: modelRef.optional().describe("The last version that a person approved."),
    firstVersion: modelRef
      .optional()
      .describe("The first version: ShiftFromBaseline is measured against its reference, and never reset."),
    signals: z.array(signalStatus).max(16).meta(keyedBy("name")).default([]).describe("The state of each trigger."),
    cause: cause.optional().describe("The cause that is being worked on; saved before anything is created."),
    lastCauses: z
      .array(
        z
          .object({
            id: z.string().max(64).describe("Its id."),
            outcome: z.string().max(32).describe("How it ended."),
            generation: z
              .int()
              .default(0)
              .describe("Generation of the service that it ran under: another may mend what had failed."),
            at: instant.describe("When it ended."),
          })
          .describe("A cause that was worked on."),
      )
      .max(20)
      .default([])
      .describe("Causes that were worked on, with their outcome."),
    retraining: z
      .object({
        name: z.string().max(63).describe("Name of the Retraining."),
        uid: z.string().max(64).default("").describe("Its UID, once it was seen."),
        phase: z.string().max(32).describe("Where it is."),
        gpuSeconds: z.number().default(0).describe("GPU time that it had used when it was last seen."),
      })
      .optional()
      .describe("The run that is under way."),
    rollout: z
      .object({
        name: z.string().max(63).describe("Name of the ModelRollout."),
        uid: z.string().max(64).default("").describe("Its UID, once it was seen."),
        phase: z.string().max(32).describe("Where it is."),
        to: modelRef.optional().describe("The version that takes over."),
        retraining: z.string().max(63).default("").describe("The run that made the version, if one did."),
        needsApproval: z.string().max(512).default("").describe("Why a person must approve, empty when not."),
        weight: z.int().default(0).describe("Percentage of requests that the candidate answers."),
      })
      .optional()
      .describe("The rollout that is under way."),
    protection: z
      .object({
        active: z.boolean().describe("Whether it is on."),
        since: instant.optional().describe("When it was switched on."),
        quietSince: instant.optional().describe("Since when the signal has been quiet."),
        trigger: z.string().max(63).default("").describe("The trigger that switched it on."),
      })
      .optional()
      .describe("Whether protection is on."),
    schedules: z
      .array(
        z
          .object({
            name: z.string().max(63).describe("The trigger's name."),
            expression: z.string().max(130).default("").describe("Its cron expression and time zone."),
            lastScheduled: instant.describe("The last instant that was acted on; at first, when it was first seen."),
          })
          .describe("A schedule."),
      )
      .max(16)
      .default([])
      .describe("Since when each schedule counts."),
    ledger: z
      .array(
        z
          .object({
            run: z.string().max(63).describe("Name of the Retraining."),
            class: causeClass.describe("Class of its cause."),
            at: instant.describe("When it ended."),
            gpuSeconds: z.number().describe("GPU seconds of all its pods."),
          })
          .describe("What one run used."),
      )
      .max(30)
      .default([])
      .describe("GPU time spent, newest last."),
    failures: z
      .array(
        z
          .object({
            class: causeClass.describe("Class of cause."),
            count: z.int().describe("Runs in a row that failed or were rejected."),
            generation: z.int().default(0).describe("Generation of the spec that they ran under."),
          })
          .describe("Failures of one class."),
      )
      .max(5)
      .default([])
      .describe("Failed or rejected runs in a row, for each class of cause."),
    holding: z
      .object({
        reason: z.string().max(64).describe("One word for machines: why."),
        message: z.string().max(1024).describe("A sentence for people: why."),
        until: instant.optional().describe("When it is looked at again."),
      })
      .optional()
      .describe("What holds back retraining."),
    routing: z
      .object({
        generation: z.int().describe("Its number."),
        hash: z.string().max(71).describe("Its hash."),
      })
      .optional()
      .describe("The routing that the gateways were last given."),
    evaluationUses: z
      .array(
        z
          .object({
            evaluation: z.string().max(253).describe("URI of the evaluation set."),
            uses: z.int().describe("Promotions that it has decided."),
          })
          .describe("Uses of one evaluation set."),
      )
      .max(20)
      .default([])
      .describe("Promotions each evaluation set has decided (decision 18)."),
    documents: documentCounts,
    documentsTaken: documentsTaken.optional(),
    audit: auditStatus.prefault({}).describe("The head of the audit chain."),
  })
  .describe("What the operator says of the service.");
export type EmbeddingServiceStatus = z.infer<typeof embeddingServiceStatus>;
