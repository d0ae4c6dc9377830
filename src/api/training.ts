import { z } from "zod";
import { atMost, rules } from "./rules.ts";
import { entryName, quantity, storeUri } from "./values.ts";

/** What a gate needs to be measured at all (decision 15). */
export const evaluationData = z
  .enum(["Labelled", "Pairs", "None"])
  .describe(
    "What the evaluation set offers: labels, pairs that belong together, or nothing. With None a run can be shown to be " +
      "no worse but not proven better, and its approval is Manual.",
  );

export type EvaluationData = z.infer<typeof evaluationData>;

export const datasetRefs = z
  .object({
    reference: storeUri.describe("The inputs that training and the monitoring reference are drawn from."),
    evaluation: storeUri
      .optional()
      .describe("The inputs that gates are measured on, disjoint from the reference by source."),
  })
  .describe("Datasets in the store, each pinned by digest.");
export type DatasetRefs = z.infer<typeof datasetRefs>;

/** The trainer that comes with evenkeel, or an image of the user's with the same contract. */
export const trainer = z
  .object({
    preset: z
      .enum(["Adapt"])
      .default("Adapt")
      .describe(
        "Adapt: the deployed model goes on learning, and its vectors keep their meaning (FARE anchoring and a " +
          "backward-compatible loss).",
      ),
    maxSteps: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(2000)
      .describe("Training budget in optimiser steps (decision 44)."),
    batchSize: z.int().min(2).max(65_536).default(128).describe("Inputs a step."),
    learningRate: z.number().min(1e-8).max(1).default(0.001).describe("Peak learning rate."),
    image: z.string().min(1).max(512).optional().describe("A trainer image of your own; evenkeel's when absent."),
    command: z
      .array(z.string().max(1024).describe("An argument."))
      .max(32)
      .optional()
      .describe("Command of your own image. It reads EVENKEEL_RUN and follows the container contract."),
    evaluation: z
      .enum(["Builtin", "Image"])
      .default("Builtin")
      .describe(
        "What measures the gates. Builtin: evenkeel's image, which must be able to load the active model, the baseline and " +
          "the candidate. Image: your own image, which is then told to evaluate as well; gates are worth what its code is.",
      ),
  })
  .describe("How models are trained.")
  .meta(
    rules(
      {
        rule: "!has(self.command) || has(self.image)",
        message: "command is only for an image of your own: set image",
        fieldPath: ".command",
        reason: "FieldValueForbidden",
      },
      {
        rule: "!has(self.evaluation) || self.evaluation != 'Image' || has(self.image)",
        message: "evaluation Image is only for an image of your own: set image",
        fieldPath: ".evaluation",
      },
    ),
  );
export type Trainer = z.infer<typeof trainer>;

export const resources = z
  .object({
    requests: z
      .record(z.string().max(63), quantity.describe("How much of it."))
      .meta(atMost(16))
      .default({})
      .describe("What is reserved, such as cpu and memory."),
    limits: z
      .record(z.string().max(63), quantity.describe("How much of it."))
      .meta(atMost(16))
      .default({})
      .describe("What is the most, such as memory."),
  })
  .describe("Compute resources of a container.");
export type Resources = z.infer<typeof resources>;

export const toleration = z
  .object({
    key: z.string().max(317).optional().describe("The taint's key; all when absent."),
    operator: z.enum(["Exists", "Equal"]).default("Equal").describe("How value is compared."),
    value: z.string().max(63).optional().describe("The taint's value."),
    effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional().describe("The taint's effect."),
    tolerationSeconds: z.int().min(0).optional().describe("How long a NoExecute taint is tolerated."),
  })
  .describe("A taint that the pods tolerate.")
  .meta(
    rules(
      {
        rule: "has(self.key) || self.operator == 'Exists'",
        message: "operator must be Exists when key is absent: it then tolerates every taint",
        fieldPath: ".operator",
      },
      {
        rule: "!has(self.value) || self.operator == 'Equal'",
        message: "value must be absent when operator is Exists",
        fieldPath: ".value",
      },
    ),
  );
export type Toleration = z.infer<typeof toleration>;

/** Where a run's pods go and how long they may take. */
export const placement = z
  .object({
    engine: z.enum(["Job"]).default("Job").describe("What runs the training: a batch/v1 Job."),
    resources: resources.prefault({}),
    gpus: z.int().min(0).max(64).default(0).describe("GPUs (nvidia.com/gpu) of the training pod."),
    nodeSelector: z
      .record(z.string().max(317), z.string().max(63).describe("The label's value."))
      .meta(atMost(16))
      .default({})
      .describe("Labels of fitting nodes."),
    tolerations: z.array(toleration).max(16).default([]).describe("Taints that the pods tolerate."),
    queueName: z.string().max(63).optional().describe("The Kueue LocalQueue the Jobs are submitted to."),
    priorityClassName: z.string().max(253).optional().describe("The pods' priority class."),
    backoffLimit: z.int().min(0).max(20).default(3).describe("Tries after a failure that may pass."),
  })
  .describe("Where training and evaluation pods run.");
export type Placement = z.infer<typeof placement>;

/** Metrics that the built-in evaluation measures. */
export const gateMetrics = [
  "CleanAccuracy",
  "ShiftedAccuracy",
  "RobustAccuracy",
  "OldIndexRecall",
  "NewDocumentRecall",
  "MixedIndexRecall",
  "OldIndexOverlap",
  "Consistency",
  "EffectiveRank",
  "TargetsMet",
  "LatencyRatio",
  "MemoryRatio",
] as const;

/** An objective that a candidate must meet. */
export const gate = z
  .object({
    name: entryName.describe("A name for the gate, used in reports and status."),
    metric: z
      .enum(gateMetrics)
      .describe(
        "What is measured. CleanAccuracy, ShiftedAccuracy, RobustAccuracy: kNN accuracy on the old domain, on the labelled slice of the new " +
          "domain, under attacks crafted against the candidate. OldIndexRecall, NewDocumentRecall, MixedIndexRecall: recall of new queries on old " +
          "documents, of old queries on new documents, in a mixed index. OldIndexOverlap: shared neighbours. Consistency: cosine under the benign " +
          "families. EffectiveRank: collapse. TargetsMet: share of resilience targets met. LatencyRatio: p99 latency over the active model's. " +
          "MemoryRatio: weights and activations of a batch of 64 over the active model's.",
      ),
    test: z
      .enum(["NonInferiority", "Superiority", "AtLeast", "AtMost"])
      .describe(
        "NonInferiority: not worse than active and baseline by margin or more. Superiority: better than active, Holm-corrected over the run. " +
          "AtLeast, AtMost: the confidence bound is beyond limit.",
      ),
    margin: z.number().min(0).max(1).default(0.02).describe("NonInferiority: the loss that would matter."),
    limit: z.number().optional().describe("AtLeast, AtMost: the level."),
    warn: z.number().optional().describe("AtLeast, AtMost: a level that is worth a warning."),
    minSample: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe("Fewer samples are NoData; the power calculation may ask for more."),
  })
  .describe("An objective that a candidate must meet; NaN and missing data never pass.")
  .meta(
    rules(
      {
        rule: "self.test in ['AtLeast', 'AtMost'] == has(self.limit)",
        message: "limit is needed by the tests AtLeast and AtMost, and only for them",
        fieldPath: ".limit",
      },
      {
        rule: "!has(self.warn) || !has(self.limit) || (self.test == 'AtLeast' ? self.warn >= self.limit : self.warn <= self.limit)",
        message: "warn must lie on the passing side of limit: above it for AtLeast, below it for AtMost",
        fieldPath: ".warn",
      },
      {
        rule: "!has(self.warn) || self.test in ['AtLeast', 'AtMost']",
        message: "warn is only for the tests AtLeast and AtMost",
        fieldPath: ".warn",
        reason: "FieldValueForbidden",
      },
      {
        rule: "!(self.metric in ['LatencyRatio', 'MemoryRatio']) || self.test == 'AtMost'",
        message: "test must be AtMost for the metrics LatencyRatio and MemoryRatio",
        fieldPath: ".test",
      },
    ),
  );
export type Gate = z.infer<typeof gate>;
