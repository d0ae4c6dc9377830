import { z } from "zod";
import { asSet, rules, seconds } from "./rules.ts";
import { objectName, positiveDuration } from "./values.ts";

const keySelector = z
  .object({
    name: objectName.describe("The Secret's name, in the same namespace."),
    key: z.string().min(1).max(253).describe("The key in the Secret."),
  })
  .describe("A key of a Secret of the same namespace.");

const prometheus = z
  .object({
    url: z
      .string()
      .regex(/^https?:\/\/[^\s?#@]+$/, "must be an http or https URL without user, query and fragment")
      .max(512)
      .describe("Base URL; it must be on the operator's allow-list."),
    caSecretRef: keySelector.optional().describe("CA certificate in PEM."),
    authorizationSecretRef: keySelector.optional().describe("Value of the Authorization header."),
  })
  .describe("The Prometheus that scrapes the gateway.")
  .meta(
    rules({
      rule: "!has(self.caSecretRef) || self.url.startsWith('https://')",
      message: "caSecretRef is only for an https url",
      fieldPath: ".caSecretRef",
      reason: "FieldValueForbidden",
    }),
  );

export const monitoring = z
  .object({
    mode: z.enum(["Gateway"]).default("Gateway").describe("Where vectors are seen: in the gateway."),
    block: positiveDuration
      .default("1m")
      .describe("Length of a statistics block; longer than your traffic's bursts (decision 1)."),
    minVectors: z.int().min(8).max(100_000).default(30).describe("Vectors a block needs to count."),
    falseAlarms: z
      .object({
        atMost: z.number().min(0.01).max(1000).default(1).describe("Expected false alarms …"),
        per: positiveDuration.default("30d").describe("… in this period."),
      })
      .prefault({})
      .describe("The false-alarm budget, over all signals of the service."),
    canaries: z
      .object({
        count: z.int().min(1).max(128).default(64).describe("Fixed inputs that are embedded again on each pod."),
        every: positiveDuration.default("60s").describe("How often."),
      })
      .prefault({})
      .describe("Canary probes: they tell a changed model from changed data."),
    consistency: z
      .object({
        sample: z
          .number()
          .min(0.0001)
          .max(1)
          .default(0.05)
          .describe(
            "Share of requests whose inputs are embedded again, squeezed. Of a candidate's requests as many as of the stable model's.",
          ),
        squeezers: z
          .array(z.enum(["BitDepth", "Median", "BoxBlur", "Quantise"]).describe("A way to squeeze."))
          .min(1)
          .max(4)
          .meta(asSet)
          .default(["Median", "BoxBlur"])
          .describe(
            "How an input may be squeezed; one is drawn at random for each. Quantise is for vectors, the others for images.",
          ),
        minShare: z.number().min(0.001).max(0.9).default(0.1).describe("Share of flagged requests that is an anomaly."),
      })
      .prefault({})
      .describe("The consistency probe, which tells an attack from a drift."),
    prometheus,
  })
  .describe("How the service is watched.")
  .meta(
    rules({
      rule: `${seconds("self.falseAlarms.per")} >= 60 * ${seconds("self.block")}`,
      message: "falseAlarms.per must be at least 60 times block: a budget is spent over many blocks",
      fieldPath: ".falseAlarms.per",
    }),
  );
