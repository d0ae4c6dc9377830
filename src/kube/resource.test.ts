import { describe, expect, it } from "vitest";
import { configMaps, deployments, jobs, nodes } from "./builtin.ts";
import { collectionPath, objectPath } from "./resource.ts";

describe("paths", () => {
  it.each([
    [collectionPath(configMaps), "/api/v1/configmaps"],
    [collectionPath(configMaps, "a"), "/api/v1/namespaces/a/configmaps"],
    [collectionPath(nodes), "/api/v1/nodes"],
    [collectionPath(nodes, "ignored"), "/api/v1/nodes"],
    [objectPath(jobs, { namespace: "a", name: "b" }), "/apis/batch/v1/namespaces/a/jobs/b"],
    [
      objectPath(deployments, { namespace: "a", name: "b" }, "status"),
      "/apis/apps/v1/namespaces/a/deployments/b/status",
    ],
    [objectPath(nodes, { name: "n/../x" }), "/api/v1/nodes/n%2F..%2Fx"],
  ])("%s", (path, expected) => {
    expect(path).toBe(expected);
  });

  it("an object needs a name", () => {
    expect(() => objectPath(jobs, { namespace: "a", name: "" })).toThrow("Job without a name");
    expect(() => objectPath(nodes, { name: "" })).toThrow("Node without a name");
  });

  it("a namespaced object needs a namespace", () => {
    expect(() => objectPath(jobs, { name: "b" })).toThrow('Job "b" needs a namespace');
  });
});

it("knows its apiVersion", () => {
  expect([configMaps.apiVersion, jobs.apiVersion]).toEqual(["v1", "batch/v1"]);
});
