import { z } from "zod";
import { embeddingServiceStatus } from "./embedding-service-status.ts";
import { gatewayPolicy } from "./gateway-policy.ts";
import { monitoring } from "./monitoring.ts";
import { objectMeta } from "./object.ts";
import { retrainingPolicy } from "./retraining-policy.ts";
import { rolloutPolicy } from "./rollout-policy.ts";
import { immutable, keyedBy, rules } from "./rules.ts";
import { gate } from "./training.ts";
import { trigger } from "./trigger.ts";
import { group, objectName, positiveDuration, storeUri, version } from "./values.ts";

const claim = z.object({
  claimName: objectName.describe("PersistentVolumeClaim with the store's files."),
  oneNode: z
    .boolean()
    .default(false)
    .describe("Set when all pods run on one node, so that a ReadWriteOnce claim will do."),
});

const traffic = z
  .object({
    capture: z
      .enum(["Off", "On"])
      .default("Off")
      .describe("Whether inputs of requests are kept for retraining. Off: no input leaves the gateway."),
    sample: z.number().min(0.0001).max(1).default(0.01).describe("Share of inputs that is kept."),
    ttl: positiveDuration.default("7d").describe("How long they are kept."),
    store: claim
      .optional()
      .describe("Where they are kept, so that clients' inputs lie apart from models and reports. Default: spec.store."),
    clientKey: z
      .string()
      .regex(/^[a-z0-9-]+$/)
      .max(64)
      .optional()
      .describe("Request header that names the client. Without it traffic is at most 10% of a set."),
  })
  .describe("Capture of traffic into the store.");

export const embeddingServiceSpec = z
  .object({
    workloadRef: z
      .object({
        kind: z.enum(["Deployment"]).default("Deployment").describe("The workload's kind."),
        name: objectName.describe("The workload's name, in the same namespace."),
      })
      .meta(rules(immutable))
      .describe("The workload that serves embeddings."),
    port: z.int().min(1).max(65_535).describe("The port that its pods serve on."),
    protocol: z
      .enum(["OpenAI", "TEI"])
      .describe("OpenAI: POST /v1/embeddings. TEI: POST /embed of text-embeddings-inference."),
    modality: z
      .enum(["Image", "Vector"])
      .default("Image")
      .describe("What inputs are. Image: data URIs with PNG. Vector: arrays of numbers."),
    model: z
      .object({
        container: z.string().min(1).max(63).describe("The container (or init container) that has the variable."),
        env: z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
          .max(128)
          .describe(
            "The environment variable that holds the model's URI: the one field of the workload that evenkeel owns.",
          ),
        initial: storeUri
          .optional()
          .describe(
            "The URI that seeds the variable when the workload's manifest names it without a value. Once a version is active, that one is put back instead.",
          ),
      })
      .meta(
        rules({
          rule: "self.container == oldSelf.container && self.env == oldSelf.env",
          message: "container and env are immutable: to name another field, delete the service and make it anew",
        }),
      )
      .describe("Where the workload reads which model to serve."),
    store: claim.describe("The store of bundles, datasets, reports and, unless it has one of its own, traffic."),
    dataset: z
      .object({
        reference: storeUri.describe(
          "Inputs that stand for normal traffic: the monitoring reference and the training data.",
        ),
        evaluation: storeUri
          .optional()
          .describe(
            "Inputs that gates are measured on, disjoint from the reference by source; a trainer is shown all that has the reference's name.",
          ),
        traffic: traffic.prefault({}),
      })
      .describe("The data the service is watched, trained and measured with."),
    monitoring,
    gateway: gatewayPolicy,
    triggers: z
      .array(trigger)
      .max(16)
      .meta(keyedBy("name"))
      .default([])
      .describe("What sets off protection or retraining."),
    retraining: retrainingPolicy.optional(),
    gates: z
      .array(gate)
      .max(16)
      .meta(keyedBy("name"))
      .default([])
      .describe("Objectives of a candidate. Empty: the defaults for the kind of evaluation data."),
    rollout: rolloutPolicy.prefault({}),
    historyLimit: z
      .int()
      .min(1)
      .max(100)
      .default(20)
      .describe(
        "Finished Retrainings, finished ModelRollouts and ModelVersions that are kept, of each the newest; so is what is in " +
          "use, however old. The audit trail and the store keep everything.",
      ),
  })
  .describe("An embedding service to keep on an even keel.")
  .meta(
    rules(
      {
        rule: "has(self.retraining) || !self.triggers.exists(t, t.then in ['Retrain', 'ProtectAndRetrain'])",
        message: "retraining must be set: a trigger's then is Retrain or ProtectAndRetrain",
        fieldPath: ".retraining",
        reason: "FieldValueRequired",
      },
      {
        rule: "!has(self.retraining) || self.retraining.evaluationData == 'None' || has(self.dataset.evaluation)",
        message: "dataset.evaluation must be set: retraining.evaluationData is not None",
        fieldPath: ".dataset.evaluation",
        reason: "FieldValueRequired",
      },
      {
        rule: "!has(self.dataset.evaluation) || self.dataset.evaluation != self.dataset.reference",
        message:
          "dataset.evaluation must not be dataset.reference: gates are measured on inputs that were never trained on",
        fieldPath: ".dataset.evaluation",
      },
      {
        rule: "self.monitoring.consistency.squeezers.all(s, (s == 'Quantise') == (self.modality == 'Vector'))",
        message:
          "monitoring.consistency.squeezers must fit modality: Quantise for Vector; BitDepth, Median and BoxBlur for Image",
        fieldPath: ".monitoring.consistency.squeezers",
      },
    ),
  );
export type EmbeddingServiceSpec = z.infer<typeof embeddingServiceSpec>;

export const embeddingService = z.object({
  apiVersion: z.literal(`${group}/${version}`),
  kind: z.literal("EmbeddingService"),
  metadata: objectMeta,
  spec: embeddingServiceSpec,
  status: embeddingServiceStatus.prefault({}),
});
export type EmbeddingService = z.infer<typeof embeddingService>;
