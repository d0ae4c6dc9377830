import { z } from "zod";
import { keyedBy } from "./rules.ts";
import { instant } from "./values.ts";

const ownerReference = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().exactOptional(),
  blockOwnerDeletion: z.boolean().exactOptional(),
});

/** The part of a Kubernetes object's metadata that evenkeel reads. */
export const objectMeta = z.object({
  name: z.string(),
  namespace: z.string(),
  uid: z.string().default(""),
  resourceVersion: z.string().default(""),
  generation: z.int().default(0),
  creationTimestamp: z.string().exactOptional(),
  deletionTimestamp: z.string().exactOptional(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  finalizers: z.array(z.string()).default([]),
  ownerReferences: z.array(ownerReference).default([]),
});
export type ObjectMeta = z.infer<typeof objectMeta>;

/** Longest message of a condition, in characters. */
export const longestConditionMessage = 1024;

/** A condition of the Kubernetes convention. */
export const condition = z
  .object({
    type: z.string().max(64).describe("What the condition is about, such as Ready."),
    status: z.enum(["True", "False", "Unknown"]).describe("Whether it holds."),
    observedGeneration: z.int().optional().describe("The generation of the spec that this was said of."),
    lastTransitionTime: instant.describe("When the status last changed."),
    reason: z.string().max(128).describe("One word for machines: why."),
    message: z
      .string()
      .max(longestConditionMessage)
      .default("")
      .describe("A sentence for people: why, and what to do."),
  })
  .describe("One aspect of the object's state, in the Kubernetes convention.");
export type Condition = z.infer<typeof condition>;

export const conditions = z
  .array(condition)
  .max(10)
  .meta(keyedBy("type"))
  .default([])
  .describe("Aspects of the state, one for each type.");
