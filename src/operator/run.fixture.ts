import { type Retraining, retraining } from "../api/index.ts";

const digest = `sha256:${"a".repeat(64)}`;
const other = `sha256:${"b".repeat(64)}`;
const model = { digest, uri: `store://models/shop@${digest}` };

/** The run `search/shop-1` of the service `shop` with no more than it must have, for tests of what follows from it. */
export function runFixture(change: { metadata?: object; spec?: object; status?: object } = {}): Retraining {
  return retraining.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "Retraining",
    metadata: { name: "shop-1", namespace: "search", uid: "r", generation: 1, ...change.metadata },
    spec: {
      serviceRef: { name: "shop" },
      cause: { id: "1", class: "Drift", trigger: "drift", at: "2026-11-24T07:00:00Z" },
      parent: model,
      baseline: model,
      threatModel: { name: "images", hash: digest, perturbations: [] },
      dataset: { reference: `store://data/shop@${digest}`, evaluation: `store://data/shop@${other}` },
      evaluationData: "Labelled",
      seed: 7,
      trainer: {},
      placement: {},
      gates: [{ name: "clean", metric: "CleanAccuracy", test: "NonInferiority", margin: 0.02 }],
      alpha: 0.025,
      claimName: "store",
      maxDuration: "2h",
      ...change.spec,
    },
    status: change.status,
  });
}
