import { z } from "zod";
import { rules } from "./rules.ts";
import { resources } from "./training.ts";
import { duration, objectName } from "./values.ts";

const documentRoute = z
  .object({
    pathPrefix: z
      .string()
      .regex(/^(\/[A-Za-z0-9._~-]+)+$/, "must be one or more path segments, such as /documents")
      .max(128)
      .optional()
      .describe("The path begins with these segments; they are taken off before the pod is asked."),
    header: z
      .object({
        name: z
          .string()
          .regex(/^[A-Za-z0-9_-]+$/)
          .max(64)
          .describe("The header's name; case does not matter."),
        value: z.string().min(1).max(256).describe("Its whole value."),
      })
      .optional()
      .describe("The request has this header."),
  })
  .describe("Requests that match all that is given here.")
  .meta(
    rules(
      {
        rule: "has(self.pathPrefix) || has(self.header)",
        message: "pathPrefix or header must be set: else every request would be one for documents",
        reason: "FieldValueRequired",
      },
      {
        rule: "!has(self.pathPrefix) || !(self.pathPrefix in ['/v1', '/v1/embeddings', '/embed'])",
        message: "pathPrefix must not be a beginning of the protocol's own path, as it is taken off",
        fieldPath: ".pathPrefix",
      },
    ),
  );

/** Which requests write to the index. All others are queries. */
export const gatewayRoutes = z
  .object({
    documents: z
      .array(documentRoute)
      .max(8)
      .default([])
      .describe(
        "Requests whose vectors go into the index: they stay on the stable model until promotion. For clients that cannot set the header x-evenkeel-route: documents.",
      ),
  })
  .prefault({})
  .describe("Which requests write to the index; all others are queries.");

export const gatewayPolicy = z
  .object({
    replicas: z.int().min(1).max(20).default(2).describe("Gateway pods."),
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
    routes: gatewayRoutes,
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
