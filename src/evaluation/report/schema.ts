import { z } from "zod";
import { gateVerdict, target } from "../../api/index.ts";

/** A number for each model; null where it could not be measured. */
const ofEach = z.object({
  candidate: z.number().nullable(),
  active: z.number().nullable(),
  baseline: z.number().nullable(),
});

const curvePoint = z.object({ epsilon: z.number(), accuracy: z.number() });
const geometry = z.object({
  alignment: z.number().nullable().describe("Mean squared distance to benign views; small is good."),
  uniformity: z.number().nullable().describe("Log mean of exp(−2‖x − y‖²); low is good."),
  effectiveRank: z.number().nullable().describe("1 to the dimension."),
  silhouette: z.number().nullable().describe("−1 to 1; without labels null."),
  localLipschitz: z.number().nullable().describe("Mean of the largest ‖f(x+δ) − f(x)‖/‖δ‖ found near an input."),
});

/** Content of `report.json`. */
export const evaluationReport = z.object({
  schema: z.literal("evenkeel.dev/evaluation/v1"),
  run: z.string(),
  at: z.string(),
  backend: z.string(),
  seconds: z.number(),
  seed: z.int(),
  alpha: z.number(),
  evaluationData: z.enum(["Labelled", "Pairs", "None"]),
  models: z.object({
    candidate: z.string(),
    active: z.string(),
    baseline: z.string(),
    architecture: z.string(),
    dimension: z.int(),
  }),
  data: z.object({
    source: z.string(),
    documents: z.int(),
    gate: z.object({ old: z.int(), shifted: z.int(), attacked: z.int() }),
    proof: z.object({ old: z.int(), shifted: z.int() }),
    overlap: z
      .int()
      .nullable()
      .describe(
        "Ids shared between training, gate and proof sets: must be 0. Null when the training set was not at hand.",
      ),
    nearDuplicates: z
      .int()
      .describe("Queries that were left out: near duplicates of training inputs, and inputs that came as traffic too."),
  }),
  gates: z.array(gateVerdict.extend({ metric: z.string(), test: z.string(), limit: z.number().nullable() })),
  accuracy: z
    .object({ clean: ofEach, shifted: ofEach, robust: ofEach })
    .describe("Each model answering from the index that it serves from, the candidate from the active one's."),
  shift: z
    .object({ effect: z.number(), residual: z.number(), explained: z.number(), samples: z.int() })
    .nullable()
    .describe(
      "From the accepted reference to captured traffic, and what of it the labelled slice leaves, in standard deviations of a vector; the share explained. Null without captured traffic.",
    ),
  captured: z
    .array(z.object({ segment: z.string(), row: z.int() }))
    .optional()
    .describe(
      "Captured samples least like the labelled slice, by reference: their TTL decides whether they can be seen.",
    ),
  proof: z
    .object({ clean: ofEach, shifted: ofEach, oldIndexRecall: ofEach })
    .describe("The same on queries that no decision depends on."),
  index: z.object({
    oldIndexRecall: ofEach,
    newDocumentRecall: ofEach,
    mixedIndexRecall: ofEach,
    overlap: z.number().nullable(),
    negativeFlips: z.number().nullable().describe("Share of queries that only the active model answers rightly."),
    mcnemar: z.number().nullable().describe("p-value that candidate and active err alike on the old domain."),
  }),
  attacks: z.array(
    z.object({
      perturbation: z.string(),
      family: z.string(),
      epsilon: z.number(),
      steps: z.int(),
      /** accuracy left after each attack in turn */
      candidate: z.array(z.object({ attack: z.string(), accuracy: z.number() })),
      active: z.array(z.object({ attack: z.string(), accuracy: z.number() })),
      curve: z.object({ candidate: z.array(curvePoint), active: z.array(curvePoint) }),
      masking: z.array(
        z.object({
          name: z.string(),
          expectation: z.string(),
          weaker: z.number(),
          stronger: z.number(),
          verdict: z.enum(["Pass", "Suspect"]),
        }),
      ),
      /** old attacks, crafted against the active model, on the candidate: reported, never gated */
      transfer: z.number(),
    }),
  ),
  targets: z.array(
    target.extend({ value: z.number().nullable(), bound: z.number().nullable(), n: z.int(), met: z.boolean() }),
  ),
  geometry: z.object({ candidate: geometry, active: geometry, baseline: geometry }),
});
export type EvaluationReport = z.infer<typeof evaluationReport>;
