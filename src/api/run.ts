import { z } from "zod";
import { perturbation, target } from "./threat-model.ts";
import { datasetRefs, evaluationData, gate, trainer } from "./training.ts";
import { digest, modelUri, storeUri } from "./values.ts";

/**
 * The container contract: what a training or an evaluation container is told, and what it answers.
 *
 * A run has two containers one after the other, told by `kind`: Train, then Evaluate. An image of the user's trains; it
 * evaluates as well when `trainer.evaluation` is Image, otherwise evenkeel's own does.
 *
 * The container finds the request as JSON in the environment variable EVENKEEL_RUN and the store's root folder in
 * EVENKEEL_STORE. It writes its answer as JSON to the termination message file (EVENKEEL_RESULT_FILE when set,
 * otherwise /dev/termination-log), at most 4096 bytes. Exit codes: 0 done, 10 to 19 the request or the data is bad
 * and another try would end the same way, anything else may be tried again.
 */
export const exitCodes = { done: 0, failed: 1, usage: 2, badData: 10, badModel: 11, badRequest: 12 } as const;

/**
 * ConfigMap with a run's report for people (decision 29), named to the evaluation in EVENKEEL_REPORT, and its key. It has
 * the report's JSON, no pictures.
 */
export const reportName = (run: string): string => `${run}-report`;
export const reportKey = "report.json";
/** Largest text of it, bytes. */
export const reportBytes = 512 * 1024;

/** Name in the store of the reports of candidates of a name. */
export const reportsOf = (candidate: string): string => `reports/${candidate.split("/").slice(1).join("/") || "model"}`;

/** Name in the store of a service's snapshots of captured traffic. */
export const snapshotsName = (namespace: string, service: string): string => `traffic/${namespace}/${service}`;

/** What a training container is told. */
export const trainRequest = z.object({
  kind: z.literal("Train"),
  run: z.string().describe("Namespace and name of the Retraining: the identity under which results are stored."),
  parent: z
    .object({ digest, uri: modelUri })
    .describe(
      "The model to start from: the one that is active. Outside the store, where only an image of the user's can load it, " +
        "its URI is what the workload's variable holds.",
    ),
  dataset: datasetRefs,
  traffic: storeUri.optional().describe("Snapshot of captured traffic, for causes that may train on it."),
  firstVersion: modelUri
    .optional()
    .describe("First version that was approved: what the shift of admitted traffic is measured from."),
  causeClass: z.enum(["Drift", "Attack", "Custom", "Schedule", "Manual"]),
  perturbations: z.array(perturbation),
  seed: z.int().min(0),
  trainer: trainer.extend({
    preset: z
      .enum(["Adapt", "Pretrain"])
      .describe(
        "Pretrain: adversarial contrastive pretraining from scratch. Its vectors need a new index, so that no service asks for it.",
      ),
  }),
});
export type TrainRequest = z.infer<typeof trainRequest>;

/**
 * Above this share of captured samples that were set aside nothing of a snapshot is used: what it shows is not known, and
 * a person must approve the run (decision 11).
 */
export const mostQuarantined = 0.2;

/** What a training container answers. */
export const trainResult = z.object({
  kind: z.literal("Train"),
  bundle: storeUri.optional().describe("Where the new model lies. Absent when the run failed."),
  steps: z.int().optional(),
  backend: z.string().optional(),
  quarantined: z.number().optional().describe("Share of captured samples that was set aside, 0 to 1."),
  trafficAdmitted: z.int().optional().describe("Captured samples that entered the new version's reference."),
  baselineShift: z
    .number()
    .optional()
    .describe(
      "Shift of those from the first version's reference, as ShiftFromBaseline measures it. Absent: not known, so that a person must approve.",
    ),
  note: z.string().max(512).optional().describe("What a person should know of the new version."),
  error: z.object({ reason: z.string(), message: z.string() }).optional(),
});
export type TrainResult = z.infer<typeof trainResult>;

/** What an evaluation container is told. */
export const evaluateRequest = z.object({
  kind: z.literal("Evaluate"),
  run: z.string(),
  candidate: storeUri,
  active: modelUri,
  baseline: modelUri.describe("The last version a person approved (decision 18)."),
  dataset: datasetRefs,
  traffic: storeUri.optional(),
  quarantined: z.number().optional().describe("Share of that traffic which training has set aside, 0 to 1."),
  evaluationData,
  perturbations: z.array(perturbation),
  targets: z.array(target),
  gates: z.array(gate),
  alpha: z.number().describe("What is left of the evaluation set's lifetime alpha for this promotion (decision 18)."),
  seed: z.int().min(0),
});
export type EvaluateRequest = z.infer<typeof evaluateRequest>;

/** One measured gate: the facts. The operator derives the verdict (decision 29). */
export const gateRow = z.object({
  name: z.string().max(63).describe("The gate's name."),
  value: z.number().nullable().default(null).describe("The measured value, null when it could not be measured."),
  bound: z.number().nullable().default(null).describe("Confidence bound that the test compares with the limit."),
  p: z.number().nullable().default(null).describe("p-value of the test, null where it has none."),
  n: z.int().describe("Samples after resampling by source."),
  needed: z.int().describe("The minimum sample, from margin, discordance and power."),
  note: z.string().max(80).optional().describe("What a reader should know of the measurement."),
});
export type GateRow = z.infer<typeof gateRow>;

/** A row as it is sent. Without names, which long ones do not leave room for, rows stand in the order of the request's gates. */
export const sentRow = gateRow.partial({ name: true });
export type SentRow = z.infer<typeof sentRow>;

/** What an evaluation container answers, at most 2 KB. */
export const evaluateResult = z.object({
  kind: z.literal("Evaluate"),
  report: storeUri.optional(),
  gates: z.array(sentRow).max(16).default([]).describe("One row for each gate."),
  overlap: z
    .int()
    .optional()
    .describe("Ids shared between training, gate and proof sets: must be 0; when absent, a person must approve."),
  error: z.object({ reason: z.string(), message: z.string() }).optional(),
});
export type EvaluateResult = z.infer<typeof evaluateResult>;
