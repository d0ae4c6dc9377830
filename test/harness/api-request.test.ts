import { describe, expect, it } from "vitest";
import { readCall } from "./api-request.ts";

const json = "application/json";

describe("readCall", () => {
  it.each([
    ["GET", "/api/v1/namespaces/a/pods", json, null, "list//pods/a//"],
    ["GET", "/api/v1/pods?watch=true", json, null, "watch//pods///"],
    ["GET", "/api/v1/namespaces/a", json, null, "get//namespaces//a/"],
    ["GET", "/api/v1/namespaces", json, null, "list//namespaces///"],
    ["POST", "/apis/batch/v1/namespaces/a/jobs", json, { metadata: { name: "j" } }, "create/batch/jobs/a/j/"],
    ["POST", "/api/v1/namespaces/a/pods/p/eviction", json, {}, "create//pods/a/p/eviction"],
    ["PUT", "/apis/apps/v1/namespaces/a/deployments/d/status", json, {}, "replace/apps/deployments/a/d/status"],
    [
      "PATCH",
      "/apis/apps/v1/namespaces/a/deployments/d",
      "application/apply-patch+yaml",
      {},
      "apply/apps/deployments/a/d/",
    ],
    [
      "PATCH",
      "/apis/apps/v1/namespaces/a/deployments/d",
      "application/merge-patch+json",
      {},
      "patch/apps/deployments/a/d/",
    ],
    ["DELETE", "/api/v1/namespaces/a", json, null, "delete//namespaces//a/"],
    ["GET", "/readyz", json, null, "other/////"],
  ])("%s %s", (method, target, contentType, body, expected) => {
    const { verb, group, resource, namespace, name, subresource } = readCall(method, target, contentType, body);
    expect([verb, group, resource, namespace, name, subresource].join("/")).toBe(expected);
  });
});
