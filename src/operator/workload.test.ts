import { describe, expect, it } from "vitest";
import type { Deployment, Stored } from "./objects.ts";
import { workloadOf } from "./workload.ts";

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
