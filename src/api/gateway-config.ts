import { z } from "zod";
import { reportedDocuments } from "./document-count.ts";
import { embeddingServiceSpec } from "./embedding-service.ts";
import { gatewayRoutes } from "./gateway-policy.ts";
import { digest } from "./values.ts";

/**
 * What the operator tells the gateways of a service: the ConfigMap `<service>-gateway`, key `gateway.json`.
 * Everything a gateway needs is in it, so that it watches one object by name (decision 32).
 */
export const gatewayConfig = z.object({
  generation: z.int().describe("Raised with each change of routing; gateways report the one they have."),
  service: z.object({ name: z.string(), namespace: z.string(), uid: z.string() }),
  selector: z.string().describe("Selects the workload's pods, as the API server takes it in a query."),
  deployment: z.string().describe("The workload: only pods of its ReplicaSets are the workload's."),
  port: embeddingServiceSpec.shape.port,
  protocol: embeddingServiceSpec.shape.protocol,
  modality: embeddingServiceSpec.shape.modality,
  model: z.object({ container: z.string(), env: z.string() }),
  routes: gatewayRoutes,
  routing: z.object({
    salt: z.string(),
    stickyHeader: z
      .string()
      .nullable()
      .describe("Header that routing is sticky by; the connection's address when null."),
    stable: z.object({ digest, uri: z.string() }),
    candidate: z
      .object({
        digest,
        uri: z.string(),
        selector: z.string(),
        deployment: z.string(),
        weight: z.int().min(0).max(100),
        mirror: z.boolean(),
        documents: z
          .boolean()
          .default(false)
          .describe("Whether what is written to the index is embedded by it: it is the version that is gone back to."),
      })
      .nullable(),
  }),
  protection: z.object({
    active: z.boolean(),
    mode: z.enum(["Observe", "Tag", "Block"]),
    maxDelay: z.int(),
    maxBytes: z.int(),
  }),
  monitoring: embeddingServiceSpec.shape.monitoring.omit({ prometheus: true }),
  dataset: embeddingServiceSpec.shape.dataset.omit({ evaluation: true }),
  baseline: z
    .object({ digest, uri: z.string() })
    .describe("First approved version: ShiftFromBaseline is measured against its reference."),
});
export type GatewayConfig = z.infer<typeof gatewayConfig>;

/** What each gateway pod reports under its own name in the ConfigMap `<service>-gateway-reports`. */
export const gatewayReport = z.object({
  generation: z.int().describe("The routing generation in force."),
  ready: z.boolean(),
  pods: z.record(z.string(), z.int()).describe("Pods that match their probes, by model digest."),
  documents: reportedDocuments.optional().describe("Documents that it embedded, by model digest."),
  at: z.string(),
});
export type GatewayReport = z.infer<typeof gatewayReport>;

/** What the gateway that holds the Lease `<service>-gateway` keeps in the ConfigMap `<service>-gateway-state`, key `state.json`. */
export const monitorState = z.looseObject({
  block: z.int().describe("Number of the last block that was stepped."),
  reference: z.string().describe("Digest of the reference in force."),
  alarms: z
    .record(z.string(), z.object({ number: z.int(), active: z.boolean() }))
    .describe("Alarm number and state by signal."),
  snapshot: z
    .object({ uri: z.string(), samples: z.int(), from: z.string(), to: z.string() })
    .nullable()
    .describe("Newest snapshot of captured traffic, pinned by digest."),
  autocorrelation: z
    .object({ value: z.number(), lower: z.number() })
    .nullable()
    .describe("Of successive block means, and three standard errors under it; null until it is measured."),
});
export type MonitorState = z.infer<typeof monitorState>;

export const gatewayConfigName = (service: string): string => `${service}-gateway`;
export const gatewayReportsName = (service: string): string => `${service}-gateway-reports`;
export const gatewayStateName = (service: string): string => `${service}-gateway-state`;
