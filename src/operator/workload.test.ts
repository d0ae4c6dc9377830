import { describe, expect, it } from "vitest";
import type { Deployment, Stored } from "./objects.ts";
import { fieldPatch, workloadOf } from "./workload.ts";

const deployment = (status: Deployment["status"], generation = 2): Stored<Deployment> => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: {
    name: "embedder",
    uid: "w",
    resourceVersion: "1",
    creationTimestamp: "2026-11-24T07:00:00Z",
    generation,
  },
  ...(status ? { status } : {}),
});

describe("pods that are ready with the template as it is now", () => {
  it.each([
    ["nothing is known yet", undefined, 0],
    ["the change was not seen yet", { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2 }, 0],
    ["none is ready", { observedGeneration: 2, replicas: 2, updatedReplicas: 2 }, 0],
    ["one of two is ready", { observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 1 }, 1],
    ["only older ones are", { observedGeneration: 2, replicas: 3, updatedReplicas: 1, readyReplicas: 2 }, 0],
    ["a new one is beside the older", { observedGeneration: 2, replicas: 3, updatedReplicas: 1, readyReplicas: 3 }, 1],
    [
      "an older one may be the unready one",
      { observedGeneration: 2, replicas: 3, updatedReplicas: 2, readyReplicas: 1 },
      0,
    ],
    ["it is scaled to zero", { observedGeneration: 2 }, 0],
  ])("when %s: %o are %i", (_, status, ready) => {
    expect(workloadOf(deployment(status), { container: "main", env: "MODEL_URI" }).readyOfTemplate).toBe(ready);
  });
});

describe("the field that has the model", () => {
  const model = { container: "fetch", env: "MODEL_URI" };
  const server = { name: "server" };
  const fetch = { name: "fetch", env: [{ name: "MODEL_URI", value: "store://models/shop" }] };
  const of = (pod: { containers: { name: string }[]; initContainers?: { name: string }[] }) =>
    workloadOf({ ...deployment({}), spec: { selector: {}, template: { spec: pod } } }, model);

  it.each([
    ["a container", { containers: [server, fetch] }, { kind: "Value", uri: "store://models/shop" }, false],
    [
      "an init container",
      { containers: [server], initContainers: [fetch] },
      { kind: "Value", uri: "store://models/shop" },
      true,
    ],
    [
      "an init container without a value",
      { containers: [server], initContainers: [{ name: "fetch" }] },
      { kind: "Empty" },
      true,
    ],
    ["neither", { containers: [server], initContainers: [server] }, { kind: "NoContainer" }, false],
  ])("is found in %s", (_, pod, field, inInitContainer) => {
    expect(of(pod)).toMatchObject({ field, inInitContainer });
  });

  it.each([
    [false, "containers"],
    [true, "initContainers"],
  ])("is all that is applied (in an init container: %s)", (inInitContainer, list) => {
    expect(fieldPatch("embedder", "search", model, "store://models/next", inInitContainer)).toEqual({
      metadata: { name: "embedder", namespace: "search" },
      spec: {
        template: { spec: { [list]: [{ name: "fetch", env: [{ name: "MODEL_URI", value: "store://models/next" }] }] } },
      },
    });
  });
});
