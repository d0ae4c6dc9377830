import { z } from "zod";
import { resources } from "./training.ts";
import { duration, objectName } from "./values.ts";

export const gatewayPolicy = z
  .object({
    replicas: z.int().min(1).max(50).default(2).describe("Gateway pods."),
    port: z.int().min(1).max(65_535).default(8080).describe("The port of the Service NAME-gateway that clients use."),
    tls: z
      .object({
        secretName: objectName.describe(
          "A Secret of the type kubernetes.io/tls in the same namespace. Gateways read it anew when it is renewed.",
        ),
      })
      .optional()
      .describe("The Service NAME-gateway speaks https (HTTP/1.1, TLS 1.2 or later); without it plain HTTP."),
    resources: resources.prefault({}),
    protection: z
      .object({
        mode: z
          .enum(["Observe", "Tag", "Block"])
          .default("Observe")
          .describe("What happens to a flagged request while protection is on: nothing, a response header, or 422."),
        maxDelay: z
          .int()
          .min(1)
          .max(10_000)
          .default(100)
          .describe("Milliseconds that an answer may wait for its score; then it passes and is counted."),
        maxBytes: z
          .int()
          .min(1024)
          .max(67_108_864)
          .default(4_194_304)
          .describe("Largest request that is scored; larger ones pass and are counted."),
        releaseAfter: duration.default("15m").describe("How long the signal must be quiet before protection ends."),
      })
      .prefault({})
      .describe("Protection while an attack is on."),
  })
  .prefault({})
  .describe("The gateway in front of the workload; clients opt in by using its Service.");
