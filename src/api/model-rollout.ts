import { z } from "zod";
import { decisionRecords } from "./decision-record.ts";
import { reembed } from "./document-count.ts";
import { conditions, objectMeta } from "./object.ts";
import { movePolicy } from "./rollout-policy.ts";
import { immutable, keyedBy, rules } from "./rules.ts";
import { digest, group, instant, objectName, version } from "./values.ts";

const end = z.object({
  version: objectName.describe("Name of the ModelVersion."),
  digest: digest.describe("Its digest."),
  uri: z.string().min(1).max(512).describe("The URI that the workload is given."),
});

export const modelRolloutSpec = z
  .object({
    serviceRef: z
      .object({ name: objectName.describe("Its name.") })
      .describe("The EmbeddingService.")
      .meta(rules(immutable)),
    from: end.describe("The version that is active.").meta(rules(immutable)),
    to: end.describe("The version that takes over.").meta(rules(immutable)),
    reason: z
      .enum(["Promotion", "Rollback", "Manual"])
      .default("Promotion")
      .describe("Why it moves.")
      .meta(rules(immutable)),
    policy: movePolicy.meta(rules(immutable)),
    paused: z.boolean().default(false).describe("Holds the rollout where it is; analysis and rollback go on."),
    abort: z
      .boolean()
      .default(false)
      .describe("Rolls back. It cannot be taken back.")
      .meta(rules({ rule: "self || !oldSelf", message: "an abort cannot be taken back: make a new rollout" })),
    approvals: z
      .array(
        z
          .object({
            by: z.string().min(1).max(253).describe("Who, by the name that the API server knows them by."),
            at: instant.describe("When."),
          })
          .describe("An approval."),
      )
      .max(8)
      .meta(
        rules({
          rule: "oldSelf.all(before, self.exists(now, now == before))",
          message: "approvals can be added, not changed or taken back",
        }),
      )
      .default([])
      .describe("Approvals by people."),
  })
  .describe("One move from a version to another. Only paused, abort and approvals can be changed.")
  .meta(
    rules({
      rule: "self.from.digest != self.to.digest",
      message: "to.digest must not be from.digest: there is nothing to move",
      fieldPath: ".to.digest",
    }),
  );
export type ModelRolloutSpec = z.infer<typeof modelRolloutSpec>;

export const modelRolloutPhase = z.enum([
  "Pending",
  "Progressing",
  "Paused",
  "Promoting",
  "Watching",
  "Promoted",
  "RollingBack",
  "RolledBack",
]);
export type ModelRolloutPhase = z.infer<typeof modelRolloutPhase>;

const checkStatus = z
  .object({
    name: z.string().max(63).describe("The check."),
    verdict: z.enum(["Pass", "Fail", "NoData", "SourceError"]).describe("What it said last."),
    value: z.number().nullable().default(null).describe("The measured value."),
    limit: z.number().nullable().default(null).describe("What it was compared with."),
    samples: z.number().nullable().default(null).describe("Requests it was measured on."),
    failures: z.int().default(0).describe("Consecutive failures."),
    failed: z
      .int()
      .default(0)
      .describe("Failures in the step under way, consecutive or not, less those while it was paused."),
    message: z.string().max(512).default("").describe("What it means."),
  })
  .describe("The state of one analysis check.");
export type CheckStatus = z.infer<typeof checkStatus>;

export const modelRolloutStatus = z
  .object({
    observedGeneration: z.int().optional().describe("The generation of the spec that was last acted on."),
    phase: modelRolloutPhase.default("Pending").describe("Where the rollout is."),
    conditions,
    step: z.int().default(0).describe("Index of the step under way."),
    steps: z.int().default(0).describe("Number of steps."),
    weight: z.int().default(0).describe("Percentage of requests that the candidate answers."),
    mirror: z.boolean().default(false).describe("Whether requests are mirrored to the candidate."),
    stepEnteredAt: instant.optional().describe("When the step was decided; the progress deadline counts from here."),
    stepStartedAt: instant
      .optional()
      .describe("When the step's hold began: every ready gateway had reported the routing."),
    heldFor: z.int().default(0).describe("Seconds of hold with every check passing."),
    verdict: z
      .enum(["Pass", "Fail", "NoData", "SourceError"])
      .optional()
      .describe("What the last analysis said as a whole."),
    analysedAt: instant.optional().describe("When the analysis last ran."),
    heldTo: instant.optional().describe("The instant up to which time was counted as held."),
    noDataSince: instant
      .optional()
      .describe("Since when, while it progresses, the analysis has had nothing to judge by."),
    patched: z.boolean().default(false).describe("Whether the workload's field was set to the new version."),
    fallback: z
      .boolean()
      .default(false)
      .describe("Whether kept pods of the previous version answer while the workload goes back to it."),
    decided: z.int().default(0).describe("Number of decisions taken."),
    decisions: decisionRecords,
    stableReplicas: z.int().default(0).describe("Replicas of the workload when the rollout began."),
    analysis: z.array(checkStatus).max(12).meta(keyedBy("name")).default([]).describe("The checks."),
    weights: z
      .array(
        z
          .object({
            weight: z.int().describe("Percentage of requests that the candidate answers."),
            mirror: z.boolean().default(false).describe("Whether requests are mirrored to the candidate."),
            at: instant.describe("From when on."),
            why: z.string().max(256).default("").describe("Why it changed."),
          })
          .describe("A weight that was set."),
      )
      .max(20)
      .default([])
      .describe("Weight over time."),
    startedAt: instant.optional().describe("When the rollout began."),
    promotedAt: instant.optional().describe("When the workload was given the new version."),
    finishedAt: instant.optional().describe("When it ended."),
    reembed: reembed
      .optional()
      .describe("Documents to embed again: those of the version that this rollout goes back from (decision 22)."),
    reason: z.string().max(128).default("").describe("Why it ended as it did, one word."),
    message: z.string().max(2048).default("").describe("Why it ended as it did."),
  })
  .describe("What the operator says of the rollout.");
export type ModelRolloutStatus = z.infer<typeof modelRolloutStatus>;

export const modelRollout = z.object({
  apiVersion: z.literal(`${group}/${version}`),
  kind: z.literal("ModelRollout"),
  metadata: objectMeta,
  spec: modelRolloutSpec,
  status: modelRolloutStatus.prefault({}),
});
export type ModelRollout = z.infer<typeof modelRollout>;
