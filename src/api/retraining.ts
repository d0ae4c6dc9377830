import { z } from "zod";
import { cause } from "./cause.ts";
import { decisionRecords } from "./decision-record.ts";
import { conditions, objectMeta } from "./object.ts";
import { immutable, keyedBy, rules } from "./rules.ts";
import { gateRow } from "./run.ts";
import { perturbation, target } from "./threat-model.ts";
import { datasetRefs, evaluationData, gate, placement, trainer } from "./training.ts";
import { digest, group, instant, modelUri, objectName, positiveDuration, storeUri, version } from "./values.ts";

const modelOfRun = z.object({ digest: digest.describe("Its digest."), uri: modelUri.describe("Where it lies.") }).meta(
  rules({
    rule: "!self.uri.contains('@sha256:') || self.uri.endsWith('@' + self.digest)",
    message: "uri must end with @ and digest when it names a digest",
    fieldPath: ".uri",
  }),
);

export const retrainingSpec = z
  .object({
    serviceRef: z.object({ name: objectName.describe("Its name.") }).describe("The EmbeddingService."),
    cause,
    parent: modelOfRun.describe("The model that is adapted: the active one."),
    baseline: modelOfRun.describe("The last version that a person approved."),
    firstVersion: modelOfRun.optional().describe("The first version that was approved: its reference is the baseline."),
    threatModel: z
      .object({
        name: objectName.describe("Its name at that time."),
        hash: digest.describe("Hash of its canonical spec."),
        perturbations: z.array(perturbation).max(16).meta(keyedBy("name")).describe("Its families, copied."),
        targets: z
          .array(target)
          .max(16)
          .meta(keyedBy("perturbation", "metric"))
          .default([])
          .describe("Its targets, copied."),
      })
      .describe("The threat model, by hash and by copy: later edits do not change a run."),
    dataset: datasetRefs,
    traffic: storeUri.optional().describe("Snapshot of captured traffic, pinned by digest."),
    evaluationData,
    seed: z.int().min(0).max(2_147_483_647).describe("Seed of everything random."),
    trainer,
    placement,
    gates: z.array(gate).min(1).max(16).meta(keyedBy("name")).describe("The gates, resolved."),
    alpha: z.number().min(0).max(1).describe("Alpha left to this promotion on the evaluation set (decision 18)."),
    claimName: objectName.describe("PersistentVolumeClaim of the store."),
    trafficClaimName: objectName
      .optional()
      .describe("PersistentVolumeClaim of captured traffic, when it is not in that store."),
    maxDuration: positiveDuration.describe("Longest time of one Job."),
  })
  .describe("One run of training and evaluation. Immutable.")
  .meta(rules(immutable));
export type RetrainingSpec = z.infer<typeof retrainingSpec>;

export const gateVerdict = z
  .object({
    ...gateRow.shape,
    verdict: z.enum(["Pass", "Warn", "Fail", "NoData"]).describe("What the rule says of the facts."),
    message: z.string().max(512).default("").describe("Why."),
  })
  .describe("A gate's facts and verdict.");
export type GateVerdict = z.infer<typeof gateVerdict>;

export const jobStatus = z
  .object({
    name: z.string().max(63).describe("The Job's name."),
    uid: z.string().max(64).default("").describe("The Job's uid, once it was seen."),
    startedAt: instant.optional().describe("When its pod started."),
    finishedAt: instant.optional().describe("When it ended."),
    gpuSeconds: z.number().default(0).describe("GPU time of all its tries, to the minute while it is at work."),
    pods: z
      .array(
        z
          .object({
            uid: z.string().max(64).describe("The pod's uid."),
            gpuSeconds: z.number().describe("GPU time of the pod."),
          })
          .describe("A pod."),
      )
      .max(20)
      .default([])
      .describe("What its newest pods that were last seen have of that; the rest is of pods that are gone or older."),
    countedUpTo: instant
      .optional()
      .describe("When the newest pod was made that the list had no room for: it and older ones are counted for good."),
    outcome: z.string().max(64).default("").describe("How it ended."),
    reemitted: z
      .boolean()
      .default(false)
      .describe("Whether its answer was lost, so that a second Job says it again without work."),
  })
  .describe("A Job of the run.");
export type JobStatus = z.infer<typeof jobStatus>;

export const retrainingPhase = z.enum([
  "Pending",
  "Training",
  "Evaluating",
  "Gating",
  "Published",
  "Rejected",
  "Failed",
  "Cancelled",
]);
export type RetrainingPhase = z.infer<typeof retrainingPhase>;

/** Phases in which a run has ended, as it did. */
export const finishedPhases: ReadonlySet<RetrainingPhase> = new Set(["Published", "Rejected", "Failed", "Cancelled"]);

export const retrainingStatus = z
  .object({
    observedGeneration: z.int().optional().describe("The generation of the spec that was last acted on."),
    phase: retrainingPhase.default("Pending").describe("Where the run is."),
    conditions,
    decided: z.int().default(0).describe("Number of decisions taken."),
    decisions: decisionRecords,
    train: jobStatus.optional().describe("The training Job."),
    evaluate: jobStatus.optional().describe("The evaluation Job."),
    startedAt: instant.optional().describe("When the run began."),
    finishedAt: instant.optional().describe("When it ended."),
    bundle: z.string().max(512).default("").describe("URI of the candidate."),
    report: z.string().max(512).default("").describe("URI of the report."),
    gates: z.array(gateVerdict).max(16).meta(keyedBy("name")).default([]).describe("The gates."),
    overlap: z.int().nullable().default(null).describe("Ids shared between training, gate and proof sets."),
    trafficAdmitted: z.int().default(0).describe("Captured samples in the new version's reference."),
    baselineShift: z
      .number()
      .nullable()
      .default(null)
      .describe("Their shift from the first version's reference in standard deviations; null when not known."),
    quarantined: z.number().nullable().default(null).describe("Share of captured samples that was set aside."),
    modelVersion: z.string().max(63).default("").describe("The ModelVersion that came out."),
    needsApproval: z.string().max(512).default("").describe("Why a person must approve, empty when not."),
    reason: z.string().max(128).default("").describe("Why it ended as it did, one word."),
    message: z.string().max(2048).default("").describe("Why it ended as it did, or what to know of its version."),
  })
  .describe("What the operator says of the run.");
export type RetrainingStatus = z.infer<typeof retrainingStatus>;

/** GPU time of both Jobs, in seconds. */
export function gpuSecondsOf({ train, evaluate }: RetrainingStatus): number {
  return (train?.gpuSeconds ?? 0) + (evaluate?.gpuSeconds ?? 0);
}

export const retraining = z.object({
  apiVersion: z.literal(`${group}/${version}`),
  kind: z.literal("Retraining"),
  metadata: objectMeta,
  spec: retrainingSpec,
  status: retrainingStatus.prefault({}),
});
export type Retraining = z.infer<typeof retraining>;
