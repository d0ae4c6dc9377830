import { z } from "zod";
import { onDurations, rules, seconds } from "./rules.ts";
import { evaluationData, placement, trainer } from "./training.ts";
import { duration, milliseconds, objectName, positiveDuration } from "./values.ts";

export const retrainingPolicy = z
  .object({
    suspended: z.boolean().default(false).describe("Stops retraining, never protection or rollback."),
    threatModelRef: z
      .object({ name: objectName.describe("The ThreatModel's name.") })
      .describe("What new models must withstand."),
    evaluationData: evaluationData.default("Labelled"),
    trainer: trainer.prefault({}),
    placement: placement.prefault({}),
    cooldown: duration.default("6h").describe("Time between the end of a run and the next start."),
    gpuHours: z
      .object({
        atMost: z.number().min(0).max(100_000).default(40).describe("GPU hours …"),
        per: positiveDuration.default("7d").describe("… in this period."),
      })
      .prefault({})
      .describe(
        "Budget of GPU time for each class of cause (decision 12). Without GPUs a pod's wall time counts as one.",
      ),
    maxDuration: positiveDuration
      .default("4h")
      .describe(
        "Longest time of one Job. That of both, training and evaluation, is reserved in the budget beforehand.",
      ),
    stopAfterFailures: z
      .int()
      .min(1)
      .max(20)
      .default(3)
      .describe("Failed or rejected runs in a row of one class of cause that open the circuit."),
  })
  .meta(
    rules({
      rule: onDurations(
        ["self.maxDuration"],
        `double(${seconds("self.maxDuration")}) * double((self.placement.gpus > 0 ? self.placement.gpus : 1) + 1) ` +
          "<= self.gpuHours.atMost * 3600.0",
      ),
      message:
        "gpuHours.atMost must have room for one run: maxDuration times placement.gpus for training, and maxDuration for " +
        "the evaluation (a pod without GPUs counts as one)",
      fieldPath: ".gpuHours.atMost",
    }),
  )
  .describe("When and how the model is retrained. Absent: the service is watched and protected only.");

/**
 * GPU time that a run may need, in seconds, as the rule above has it: both Jobs to their longest. The evaluation has no GPU,
 * and counts as one.
 */
export function longestGpuSeconds({
  maxDuration,
  placement: { gpus },
}: Pick<z.infer<typeof retrainingPolicy>, "maxDuration" | "placement">): number {
  return (milliseconds(maxDuration) / 1000) * (Math.max(1, gpus) + 1);
}
