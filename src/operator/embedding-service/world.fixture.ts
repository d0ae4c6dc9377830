import { type Cause, type EmbeddingServiceStatus, threatModel } from "../../api/index.ts";
import { rolloutFixture } from "../rollout.fixture.ts";
import { runFixture } from "../run.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import type { Workload } from "../workload.ts";
import type { Observed, SignalState } from "./world.ts";

export const now = Date.parse("2026-11-24T08:00:00Z");
export const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();
export const digest = (character: string): string => `sha256:${character.repeat(64)}`;
export const uri = (character: string): string => `store://models/shop@${digest(character)}`;
export const model = (character: string) => ({
  name: `shop-${character.repeat(12)}`,
  digest: digest(character),
  uri: uri(character),
});

export const spec = {
  workloadRef: { name: "embedder" },
  port: 8080,
  protocol: "OpenAI",
  model: { container: "main", env: "MODEL_URI" },
  store: { claimName: "store" },
  dataset: { reference: `store://data/shop@${digest("1")}`, evaluation: `store://data/eval@${digest("2")}` },
  monitoring: { prometheus: { url: "http://prometheus:9090" } },
  retraining: { threatModelRef: { name: "images" } },
};

export const workload = (served: string | null, change: Partial<Workload> = {}): Workload => ({
  uid: "w",
  resourceVersion: "1",
  field: served === null ? { kind: "Empty" } : { kind: "Value", uri: served },
  inInitContainer: false,
  replicas: 2,
  readyReplicas: 2,
  readyOfTemplate: 2,
  rolling: "Complete",
  selector: { matchLabels: { app: "embedder" } },
  deployment: {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "embedder", uid: "w", resourceVersion: "1", creationTimestamp: ago(9e5) },
  },
  ...change,
});

export const images = threatModel.parse({
  apiVersion: "evenkeel.dev/v1alpha1",
  kind: "ThreatModel",
  metadata: { name: "images", namespace: "search", generation: 1 },
  spec: {
    modality: "Image",
    perturbations: [{ name: "tilt", family: "Geometric", kind: "Benign", degrees: 15 }],
  },
  status: {
    observedGeneration: 1,
    hash: digest("3"),
    conditions: [{ type: "Ready", status: "True", reason: "Valid", message: "", lastTransitionTime: ago(100) }],
  },
});

export const cause = (change: Partial<Cause> = {}): Cause => ({
  id: "0123456789",
  class: "Drift",
  trigger: "drift",
  value: 3,
  threshold: 2,
  query: "q",
  at: ago(0),
  dataDigest: "d1",
  generation: 1,
  ...change,
});

export const signal = (
  then: SignalState["trigger"]["then"],
  verdict: SignalState["status"]["verdict"],
  held = verdict === "Fail",
): SignalState => ({
  trigger: { name: then === "Retrain" ? "drift" : "attack", signal: "RepresentationDrift", for: "0s", then },
  status: {
    name: then === "Retrain" ? "drift" : "attack",
    verdict,
    value: 3,
    threshold: 2,
    failingFor: 0,
    held,
    asked: "",
    alarm: 1,
    message: "",
    reason: "",
    model: digest("a"),
  },
  held,
  learning: false,
  query: "q",
});

export type Change = Partial<Omit<Observed, "service">> & {
  readonly status?: Partial<EmbeddingServiceStatus>;
  readonly spec?: object;
};

/** The service `search/shop`, whose workload serves model a, as it is observed. */
export function world({ status = {}, spec: specChange = {}, ...change }: Change = {}): Observed {
  return {
    service: serviceFixture({
      spec: { ...spec, ...specChange },
      status: { activeVersion: model("a"), baselineVersion: model("a"), firstVersion: model("a"), ...status },
    }),
    trail: null,
    workload: workload(uri("a")),
    ownership: { kind: "Ours" },
    signals: [],
    schedules: [],
    source: null,
    store: null,
    threatModel: images,
    run: null,
    rollout: null,
    unreadable: { run: null, rollout: null, threatModel: null },
    waitingRuns: [],
    waitingRollouts: [],
    runs: [],
    rollouts: [],
    versions: [],
    snapshot: null,
    autocorrelation: null,
    config: null,
    gateway: { ready: 2, wanted: 2, trouble: null },
    gateways: [],
    causes: [],
    ...change,
  };
}

export const run = (
  phase: string,
  change: { cause?: Partial<Cause>; status?: object; name?: string; spec?: object } = {},
) =>
  runFixture({
    metadata: { name: change.name ?? "shop-0123456789" },
    spec: { cause: cause(change.cause), dataset: spec.dataset, ...change.spec },
    status: { phase, finishedAt: ago(5), ...change.status },
  });

export const rollout = (
  phase: string,
  change: { reason?: string; spec?: object; name?: string; status?: object } = {},
) =>
  rolloutFixture({
    metadata: { name: change.name ?? "shop-bbbbbbbbbbbb-1" },
    spec: {
      from: { version: model("a").name, digest: digest("a"), uri: uri("a") },
      to: { version: model("b").name, digest: digest("b"), uri: uri("b") },
      reason: change.reason ?? "Promotion",
      ...change.spec,
    },
    status: { phase, ...change.status },
  });

export const spent = (causeClass: Cause["class"], at: string, gpuSeconds: number): Partial<EmbeddingServiceStatus> => ({
  ledger: [{ run: "x", class: causeClass, at, gpuSeconds }],
});

export const slots = (phase = "Pending") => ({
  retraining: { name: "shop-0123456789", uid: "r", phase, gpuSeconds: 0 },
  rollout: {
    name: "shop-bbbbbbbbbbbb-1",
    uid: "o",
    phase,
    weight: 0,
    to: model("b"),
    retraining: "shop-0123456789",
    needsApproval: "",
  },
});
