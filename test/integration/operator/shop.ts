import { createHash } from "node:crypto";
import type { GateRow } from "../../../src/api/index.ts";
import type { Deployment } from "../../../src/kube/index.ts";
import type { KubernetesApi } from "../../harness/kubernetes-api.ts";
import type { Work } from "./pods-at-once.ts";
import { alarmSeries, type Script } from "./scripted-prometheus.ts";

/** A digest for a word: the same in every run. */
export function digestOf(word: string): string {
  return `sha256:${createHash("sha256").update(word).digest("hex")}`;
}

export const models = {
  first: `store://models/shop@${digestOf("first")}`,
  second: `store://models/shop@${digestOf("second")}`,
} as const;

export const datasets = {
  reference: `store://data/shop@${digestOf("reference")}`,
  evaluation: `store://data/shop-eval@${digestOf("evaluation")}`,
} as const;

/** A rollout of seconds. */
export const rolloutPolicy = {
  steps: [{ mirror: "1s" }, { weight: 50, hold: "1s" }, { weight: 100 }],
  analysis: [{ name: "errors", metric: "PromQL", promql: 'errors{service="$service"}', above: 0.1, failureLimit: 2 }],
  watchAfter: "1s",
  keepPrevious: "1s",
  progressDeadline: "1m",
};

/** A rollout that holds at half of the traffic. */
export const half = { ...rolloutPolicy, steps: [{ weight: 50, hold: "30s" }, { weight: 100 }] };

/** A trigger on a series of the user's own. */
export const drift = (promql: string) => [{ name: "drift", promql, above: 1, then: "Retrain" }];

/** The Deployment of the second model, while it is a candidate. */
export const candidateName = `embedder-evenkeel-${digestOf("second").slice("sha256:".length, "sha256:".length + 8)}`;

export function service(namespace: string, prometheus: string, spec: object = {}) {
  return {
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "EmbeddingService",
    metadata: { name: "shop", namespace },
    spec: {
      workloadRef: { name: "embedder" },
      port: 8080,
      protocol: "OpenAI",
      model: { container: "main", env: "MODEL_URI", initial: models.first },
      store: { claimName: "store" },
      dataset: datasets,
      monitoring: { block: "2s", prometheus: { url: prometheus } },
      gateway: { replicas: 2 },
      triggers: [{ name: "drift", signal: "RepresentationDrift", then: "Retrain" }],
      retraining: { threatModelRef: { name: "images" }, cooldown: "1s", maxDuration: "1m", stopAfterFailures: 3 },
      gates: [{ name: "clean", metric: "CleanAccuracy", test: "NonInferiority", margin: 0.02 }],
      rollout: rolloutPolicy,
      ...spec,
    },
  };
}

/** A workload's pod. */
export type PodSpec = NonNullable<NonNullable<Deployment["spec"]>["template"]["spec"]>;

type Shop = { readonly replicas?: number; readonly pod?: PodSpec };

/** The server itself reads the variable with the model. */
const servingPod: PodSpec = { containers: [{ name: "main", image: "embedder", env: [{ name: "MODEL_URI" }] }] };

/** A claim with a volume. */
export async function provide(api: KubernetesApi, namespace: string, name: string): Promise<void> {
  const storage = "1Gi";
  const accessModes = ["ReadWriteMany"];
  await api.create("/api/v1/persistentvolumes", {
    metadata: { name: `${name}-${namespace}` },
    spec: {
      capacity: { storage },
      accessModes,
      hostPath: { path: "/nowhere" },
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name },
    },
  });
  await api.create(`/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
    metadata: { name },
    spec: { accessModes, storageClassName: "", resources: { requests: { storage } } },
  });
}

/** Everything beside the service: claim, threat model, workload. */
export async function install(api: KubernetesApi, namespace: string, workload: Shop = {}): Promise<void> {
  await provide(api, namespace, "store");
  await api.create(paths(namespace).kind("threatmodels"), {
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "ThreatModel",
    metadata: { name: "images" },
    spec: { modality: "Image", perturbations: [{ name: "tilt", family: "Geometric", kind: "Benign", degrees: 15 }] },
  });
  await deploy(api, namespace, workload);
}

/** The user's Deployment, with the variable and without a value for it. */
export async function deploy(
  api: KubernetesApi,
  namespace: string,
  { replicas = 1, pod = servingPod }: Shop = {},
): Promise<void> {
  await api.create(`/apis/apps/v1/namespaces/${namespace}/deployments?fieldManager=kubectl`, {
    metadata: { name: "embedder" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "embedder" } },
      template: {
        metadata: { labels: { app: "embedder" } },
        spec: { terminationGracePeriodSeconds: 0, ...pod },
      },
    },
  });
}

export function paths(namespace: string) {
  const kind = (plural: string): string => `/apis/evenkeel.dev/v1alpha1/namespaces/${namespace}/${plural}`;
  return {
    kind,
    service: `${kind("embeddingservices")}/shop`,
    workload: `/apis/apps/v1/namespaces/${namespace}/deployments/embedder`,
    deployments: `/apis/apps/v1/namespaces/${namespace}/deployments`,
    jobs: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    configMaps: `/api/v1/namespaces/${namespace}/configmaps`,
    pods: `/api/v1/namespaces/${namespace}/pods`,
  };
}

export const passingRow: GateRow = { name: "clean", value: 0.01, bound: -0.001, p: 0.0001, n: 1000, needed: 500 };

/** A trainer and an evaluation of no time at all. */
export function worker(rows: readonly GateRow[] = [passingRow]): Work {
  return ({ kind }) => {
    if (kind === "Train") {
      return { exitCode: 0, message: JSON.stringify({ kind, bundle: models.second, steps: 1, backend: "none" }) };
    }
    const report = `store://reports/shop@${digestOf("report")}`;
    return { exitCode: 0, message: JSON.stringify({ kind, report, gates: rows, overlap: 0 }) };
  };
}

/** A Job that goes on and on. */
export const stayed: Work = () => null;

/** The first model has drifted, every other is quiet; nothing has errors. */
export const drifted: Script = (query) => {
  if (query.includes("evenkeel_monitor")) return alarmSeries(query.includes(digestOf("first")) ? 1 : 0);
  return [{ value: 0 }];
};
