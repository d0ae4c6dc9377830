import { z } from "zod";
import { conditions, objectMeta } from "./object.ts";
import { immutable, rules } from "./rules.ts";
import { digest, group, instant, modelUri, objectName, version } from "./values.ts";

export const modelVersionSpec = z
  .object({
    serviceRef: z.object({ name: objectName.describe("Its name.") }).describe("The EmbeddingService."),
    identity: z
      .enum(["Digest", "Uri"])
      .describe(
        "Digest: the URI pins the content. Uri: it does not, and the digest is the hash of the URI (condition Pinned is False).",
      ),
    digest: digest.describe("Its digest, by which everything knows it."),
    uri: modelUri.describe("Where the model lies."),
    parent: digest.optional().describe("The version it was made from."),
    retrainingRef: z
      .object({ name: objectName.describe("Its name.") })
      .optional()
      .describe("The run that made it; absent for an adopted model."),
    report: z.string().max(512).default("").describe("URI of its evaluation report."),
    threatModelHash: digest.optional().describe("The threat model it was made under."),
  })
  .describe("One immutable model.")
  .meta(
    rules(immutable, {
      rule: "self.identity != 'Digest' || self.uri.endsWith('@' + self.digest)",
      message: "uri must end with @ and digest when identity is Digest",
      fieldPath: ".uri",
    }),
  );
export type ModelVersionSpec = z.infer<typeof modelVersionSpec>;

export const modelVersionPhase = z.enum([
  "Candidate",
  "Shadow",
  "Canary",
  "Active",
  "Retired",
  "Rejected",
  "RolledBack",
]);
export type ModelVersionPhase = z.infer<typeof modelVersionPhase>;

export const modelVersionStatus = z
  .object({
    observedGeneration: z.int().optional().describe("The generation of the spec that was last acted on."),
    phase: modelVersionPhase.default("Candidate").describe("Where the version is in its life."),
    conditions,
    activatedAt: instant.optional().describe("When it last became active."),
    retiredAt: instant.optional().describe("When it stopped being active."),
  })
  .describe("What the operator says of the version.");
export type ModelVersionStatus = z.infer<typeof modelVersionStatus>;

export const modelVersion = z.object({
  apiVersion: z.literal(`${group}/${version}`),
  kind: z.literal("ModelVersion"),
  metadata: objectMeta,
  spec: modelVersionSpec,
  status: modelVersionStatus.prefault({}),
});
export type ModelVersion = z.infer<typeof modelVersion>;
