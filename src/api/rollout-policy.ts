import { z } from "zod";
import { keyedBy, rules } from "./rules.ts";
import { duration, entryName, positiveDuration } from "./values.ts";

/** One step of a rollout: exactly one of mirror and weight. */
export const rolloutStep = z
  .object({
    mirror: positiveDuration
      .optional()
      .describe("Copy requests to the candidate for this long and compare its vectors; answers come from stable."),
    weight: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe("Percentage of requests that the candidate answers. 100 promotes."),
    hold: duration.optional().describe("How long a weight is held, with analysis passing, before the next step."),
  })
  .describe("One step: mirror, or a weight and how long it is held.")
  .meta(
    rules(
      {
        rule: "has(self.mirror) != has(self.weight)",
        message: "exactly one of mirror and weight must be set",
        fieldPath: ".weight",
      },
      {
        rule: "!has(self.hold) || (has(self.weight) && self.weight < 100)",
        message: "hold is for a weight below 100; after 100 it is watchAfter that holds",
        fieldPath: ".hold",
        reason: "FieldValueForbidden",
      },
    ),
  );
export type RolloutStep = z.infer<typeof rolloutStep>;

/** A check that runs while a rollout holds. */
export const analysisCheck = z
  .object({
    name: entryName.describe("A name for the check."),
    metric: z
      .enum(["ErrorRate", "LatencyP99", "InvalidVectors", "ProbeMatch", "FlaggedShare", "MirrorOverlap", "PromQL"])
      .describe(
        "ErrorRate: share of requests that the candidate fails (5xx) or, beside stable, refuses although stable does not; in a mirror, of copies. LatencyP99: candidate over stable. InvalidVectors: share of NaN, wrong norm or dimension. " +
          "ProbeMatch: share of candidate pods that answer the bundle's probes as expected. FlaggedShare: share of requests that the consistency probe flags, candidate less stable. " +
          "MirrorOverlap: mean cosine of mirrored answers. PromQL: a query of your own; $namespace, $service, $stable and $candidate are replaced.",
      ),
    promql: z.string().min(1).max(2048).optional().describe("The query, for metric PromQL. It must give one number."),
    above: z.number().optional().describe("Fails above this."),
    below: z.number().optional().describe("Fails below this."),
    minSample: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe("Requests a step needs before the check says anything; not for PromQL, which counts none."),
    failureLimit: z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe(
        "Consecutive failures that roll back. Each failure begins a step's hold anew, so that three times as many in one step roll back too, consecutive or not.",
      ),
  })
  .describe("A live check; fewer samples than minSample hold the step, and no data at the deadline rolls back.")
  .meta(
    rules(
      {
        rule: "(self.metric == 'PromQL') == has(self.promql)",
        message: "promql is needed by the metric PromQL, and only for it",
        fieldPath: ".promql",
      },
      {
        rule: "has(self.above) || has(self.below)",
        message: "at least one of above and below must be set",
        fieldPath: ".above",
        reason: "FieldValueRequired",
      },
      {
        rule: "self.metric != 'PromQL' || !has(self.minSample) || self.minSample == 0",
        message:
          "minSample is not for the metric PromQL, whose samples are not counted: let the query give no series below it",
        fieldPath: ".minSample",
        reason: "FieldValueForbidden",
      },
      {
        rule: "!has(self.above) || !has(self.below) || self.below <= self.above",
        message: "below must not be larger than above: every value would fail",
        fieldPath: ".below",
      },
      {
        rule: "!(self.metric in ['ErrorRate', 'LatencyP99', 'InvalidVectors', 'FlaggedShare']) || has(self.above)",
        message: "above is needed by this metric: small is good",
        fieldPath: ".above",
        reason: "FieldValueRequired",
      },
      {
        rule: "!(self.metric in ['ProbeMatch', 'MirrorOverlap']) || has(self.below)",
        message: "below is needed by this metric: large is good",
        fieldPath: ".below",
        reason: "FieldValueRequired",
      },
    ),
  );
export type AnalysisCheck = z.infer<typeof analysisCheck>;

/** Fits every step and the watch, and needs no traffic. */
export const defaultCheck: AnalysisCheck = {
  name: "probes",
  metric: "ProbeMatch",
  below: 1,
  minSample: 0,
  failureLimit: 2,
};

export const rolloutPolicy = z
  .object({
    index: z
      .enum(["RequireCompatible"])
      .default("RequireCompatible")
      .describe(
        "What becomes of the vector index: only candidates whose vectors work with today's index are rolled out.",
      ),
    steps: z
      .array(rolloutStep)
      .min(1)
      .max(12)
      .meta(
        rules(
          {
            rule: "has(self[self.size() - 1].weight) && self[self.size() - 1].weight == 100",
            message: "the last of steps must have weight 100, which promotes",
          },
          {
            rule:
              "self.map(s, has(s.weight) ? s.weight : 0).isSorted() && " +
              "self.all(a, !has(a.weight) || self.exists_one(b, has(b.weight) && b.weight == a.weight))",
            message: "steps must start with mirror, if at all, and go on with ascending weights",
          },
        ),
      )
      .default([{ mirror: "10m" }, { weight: 5, hold: "10m" }, { weight: 25, hold: "10m" }, { weight: 100 }])
      .describe("The steps, weights ascending, the last one weight 100."),
    analysis: z
      .array(analysisCheck)
      .max(12)
      .meta(keyedBy("name"))
      .default([
        { name: "errors", metric: "ErrorRate", above: 0.01, minSample: 50, failureLimit: 2 },
        { name: "latency", metric: "LatencyP99", above: 2, minSample: 50, failureLimit: 3 },
        { name: "vectors", metric: "InvalidVectors", above: 0, minSample: 50, failureLimit: 1 },
        defaultCheck,
        { name: "overlap", metric: "MirrorOverlap", below: 0.8, minSample: 50, failureLimit: 2 },
        { name: "flagged", metric: "FlaggedShare", above: 0.2, minSample: 50, failureLimit: 3 },
      ])
      .describe(
        "Checks that run while a step holds and while a promoted version is watched. MirrorOverlap needs a mirror, " +
          "LatencyP99 and FlaggedShare a weight beside the stable model; the others always fit. Where none fits, the default check of ProbeMatch runs: nothing passes unseen.",
      ),
    approval: z
      .enum(["Automatic", "Manual"])
      .default("Automatic")
      .describe("Whether a person must approve before the first weight."),
    maxBaselineShift: z
      .number()
      .min(0)
      .max(100)
      .default(1)
      .describe(
        "A person must approve a version whose reference takes in captured traffic further than this from the first version's reference: " +
          "the distance of the means in standard deviations of a vector, as evenkeel_monitor_effect_size of ShiftFromBaseline has it. " +
          "At 1 a single vector of new traffic is told from one of the first in 69% of cases, at 2 in 84%.",
      ),
    watchAfter: duration
      .default("24h")
      .describe("How long analysis goes on after promotion; a failure returns to the last good version."),
    keepPrevious: duration
      .default("1h")
      .describe("How long pods of the previous version are kept for an instant rollback."),
    progressDeadline: positiveDuration
      .default("10m")
      .describe("How long candidate pods may take to be ready, and a step may lack data."),
  })
  .describe("How a new version takes over.");
export type RolloutPolicy = z.infer<typeof rolloutPolicy>;

/** What of it one rollout goes by; whether its traffic needs a person is settled before it is made. */
export const movePolicy = rolloutPolicy.omit({ maxBaselineShift: true }).describe("How a new version takes over.");
