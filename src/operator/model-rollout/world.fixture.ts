import type { ModelRolloutStatus } from "../../api/index.ts";
import { rolloutFixture } from "../rollout.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import type { Workload } from "../workload.ts";
import type { Observed, Pool } from "./world.ts";

export const start = Date.parse("2026-11-24T08:00:00Z");
export const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString();
export const a = `sha256:${"a".repeat(64)}`;
export const b = `sha256:${"b".repeat(64)}`;
export const uri = (digest: string): string => `store://models/shop@${digest}`;

export const service = (change: object = {}) =>
  serviceFixture({
    status: {
      activeVersion: { name: "shop-a", digest: a, uri: uri(a) },
      rollout: { name: "move", phase: "Pending" },
      ...change,
    },
  });

const policy = {
  steps: [{ mirror: "10s" }, { weight: 50, hold: "20s" }, { weight: 100 }],
  analysis: [{ name: "errors", metric: "ErrorRate", above: 0.01, failureLimit: 2 }],
  progressDeadline: "1m",
  watchAfter: "5m",
  keepPrevious: "2m",
};

export const workload = (served: string, rolling: Workload["rolling"] = "Complete"): Workload => ({
  uid: "w",
  resourceVersion: "1",
  field: { kind: "Value", uri: served },
  inInitContainer: false,
  replicas: 3,
  readyReplicas: 3,
  readyOfTemplate: 3,
  rolling,
  selector: { matchLabels: { app: "embedder" } },
  deployment: {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "embedder", uid: "w", resourceVersion: "1", creationTimestamp: at(0) },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "embedder" } },
      template: {
        metadata: { labels: { app: "embedder", team: "search" } },
        spec: {
          containers: [
            {
              name: "main",
              image: "tei",
              env: [
                { name: "OTHER", value: "1" },
                { name: "MODEL_URI", value: uri(a) },
              ],
            },
            { name: "side", image: "side", env: [{ name: "MODEL_URI", value: "kept" }] },
          ],
        },
      },
    },
  },
});

export const pool = (ready: number, replicas = ready): Pool => ({
  name: "p",
  uid: "p",
  resourceVersion: "1",
  replicas,
  readyReplicas: ready,
});

export type Change = Partial<Omit<Observed, "rollout">> & {
  readonly status?: Partial<ModelRolloutStatus>;
  readonly spec?: object;
};

/** The rollout `search/move` of `shop` from model a to model b, as it is observed. */
export function world({ status = {}, spec = {}, ...change }: Change = {}): Observed {
  return {
    rollout: rolloutFixture({
      spec: {
        policy: { ...policy, ...("policy" in spec && typeof spec.policy === "object" ? spec.policy : {}) },
        ...Object.fromEntries(Object.entries(spec).filter(([key]) => key !== "policy")),
      },
      status,
    }),
    service: service(),
    unreadable: null,
    trail: null,
    workload: workload(uri(a)),
    owners: [],
    candidate: null,
    previous: null,
    obstacle: null,
    refused: null,
    routing: { generation: 1, stable: a, candidate: null, inForce: true },
    documents: [],
    analysis: null,
    ...change,
  };
}
