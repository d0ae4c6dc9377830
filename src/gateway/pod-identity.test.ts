import { describe, expect, it } from "vitest";
import type { Pod } from "../kube/index.ts";
import { identify, isOfDeployment } from "./pod-identity.ts";

const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5d8f", uid: "u", controller: true };
const labels = { app: "web", "pod-template-hash": "5d8f" };
const podOf = (change: Partial<Pod["metadata"]>): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-5d8f-x", labels, ownerReferences: [owner], ...change },
});

it.each<[string, Partial<Pod["metadata"]>, boolean]>([
  ["made by its ReplicaSet", {}, true],
  ["made by hand with its labels", { ownerReferences: [] }, false],
  ["only an owner's, not its controller's", { ownerReferences: [{ ...owner, controller: false }] }, false],
  ["of a StatefulSet of that name", { ownerReferences: [{ ...owner, kind: "StatefulSet" }] }, false],
  ["of another group's ReplicaSet", { ownerReferences: [{ ...owner, apiVersion: "example.org/v1" }] }, false],
  ["of a Deployment whose name begins alike", { ownerReferences: [{ ...owner, name: "web-evenkeel-5d8f" }] }, false],
  ["without the hash of a template", { labels: { app: "web" } }, false],
])("a pod %s", (_, change, expected) => {
  expect(isOfDeployment(podOf(change), "web")).toBe(expected);
});

describe("the model that a pod serves", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const container = { name: "main", env: [{ name: "MODEL_URI", value: `store://models/shop@${digest}` }] };
  const server = { name: "server", env: [{ name: "MODEL_URI", value: "another's" }] };
  const indirect = {
    name: "main",
    env: [{ name: "MODEL_URI", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
  };

  it.each<[string, NonNullable<Pod["spec"]>, string | null]>([
    ["of its container", { containers: [server, container] }, digest],
    ["of its init container", { containers: [server], initContainers: [container] }, digest],
    ["of no container of that name", { containers: [server] }, null],
    ["of another variable", { containers: [{ name: "main", env: [{ name: "MODEL_ID", value: "x" }] }] }, null],
    ["without a plain value", { containers: [indirect] }, null],
  ])("is what the variable says %s", (_, spec, expected) => {
    const pod = { ...podOf({}), spec };
    const named = { ...pod, metadata: { ...pod.metadata, uid: "u" } };
    expect(identify(named, { container: "main", env: "MODEL_URI" }).digest).toBe(expected);
  });
});
