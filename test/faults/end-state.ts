import { parseLines, type Verification, verifyChain } from "../../src/audit/index.ts";
import type { ConfigMap, KubeObject } from "../../src/kube/index.ts";
import type { KubernetesApi } from "../harness/kubernetes-api.ts";
import { paths } from "../integration/operator/shop.ts";

/** A service as far as these tests read it. */
export interface ShopObject extends KubeObject {
  readonly metadata: KubeObject["metadata"] & { uid: string };
  readonly status: {
    readonly phase: string;
    readonly rollout?: object;
    readonly activeVersion?: { readonly uri: string };
    readonly audit: {
      readonly seq: number;
      readonly head: string;
      readonly pending: readonly object[];
      readonly taken: readonly object[];
    };
  };
}

const collections = (namespace: string): string[] => {
  const { kind, deployments, jobs } = paths(namespace);
  return [
    ...["embeddingservices", "retrainings", "modelversions", "modelrollouts", "threatmodels"].map(kind),
    deployments,
    jobs,
    ...["services", "serviceaccounts"].map((plural) => `/api/v1/namespaces/${namespace}/${plural}`),
    `/api/v1/namespaces/${namespace}/configmaps`,
    `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
    ...["roles", "rolebindings"].map(
      (plural) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/${plural}`,
    ),
  ];
};

/**
 * Everything there is in a namespace at the end, with what must differ between two runs taken away: times, UIDs,
 * versions, hashes of those, and seconds that were counted.
 */
export async function endState(api: KubernetesApi, namespace: string): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = {};
  for (const path of collections(namespace)) {
    const { items } = await api.get<{ items: (KubeObject & { data?: Record<string, string> })[] }>(path);
    for (const item of items) {
      if (["kube-root-ca.crt", "default"].includes(item.metadata.name)) continue;
      const plural = path.slice(path.lastIndexOf("/") + 1);
      const name = nameless(item.metadata.name, namespace);
      state[`${plural}/${name}`] = JSON.parse(nameless(JSON.stringify(essence(item)), namespace));
    }
  }
  return state;
}

function essence(item: KubeObject & { data?: Record<string, string> }): unknown {
  const { name: _, namespace: __, uid: ___, resourceVersion: ____, ...metadata } = item.metadata;
  const { managedFields: _a, creationTimestamp: _b, annotations: _c, ...rest } = metadata;
  const data = item.data ? { data: bookless(item) } : {};
  return timeless({
    ...item,
    ...data,
    metadata: { ...rest, ownerReferences: metadata.ownerReferences?.map(({ kind }) => kind) },
  });
}

/** Of audit segments and of gateways' reports the keys alone: they are checked by themselves. */
function bookless({ metadata, data = {} }: KubeObject & { data?: Record<string, string> }): unknown {
  if (metadata.labels?.["evenkeel.dev/audit"] !== undefined) return Object.keys(data);
  if (metadata.name.endsWith("-gateway-reports")) return "reports";
  return data;
}

/** Fields whose value counts time, or says what was last looked at. */
const counted: ReadonlySet<string> = new Set([
  "heldFor",
  "heldTo",
  "analysedAt",
  "noDataSince",
  "failingFor",
  "gpuSeconds",
  "message",
  "lastTransitionTime",
  "analysis",
  "verdict",
  "value",
  "reason",
  "audit",
  "completionTime",
  "uncountedTerminatedPods",
  "observedGeneration",
  "terminating",
]);

function timeless(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(timeless);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([field]) => !counted.has(field))
        .map(([field, inner]) => [field, timeless(inner)]),
    );
  }
  return value;
}

/** Names, times and hashes that differ between two namespaces. */
export function nameless(text: string, namespace: string): string {
  return text
    .replaceAll(namespace, "NAMESPACE")
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UID")
    .replaceAll(/shop-[0-9a-f]{10}(?![0-9a-f])/g, "shop-CAUSE")
    .replaceAll(/"(id|dataDigest|hash)":"[^"]*"/g, '"$1":"HASH"')
    .replaceAll(/(\\?)"seed\\?":\d+/g, '$1"seed$1":0')
    .replaceAll(/"nodePort":\d+/g, '"nodePort":0')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME")
    .replaceAll(/"10\.0\.0\.\d+"/g, '"ADDRESS"')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "PROMETHEUS");
}

export interface Trail {
  readonly verification: Verification;
  /** What was decided about what, sorted: the order of two things that happen at once is not decided. */
  readonly decisions: readonly string[];
  /** Weights in their order. */
  readonly weights: readonly string[];
}

export async function auditTrail(api: KubernetesApi, namespace: string, service: ShopObject): Promise<Trail> {
  const selector = `labelSelector=evenkeel.dev/audit=${service.metadata.uid}`;
  const { items } = await api.get<{ items: ConfigMap[] }>(`${paths(namespace).configMaps}?${selector}`);
  const entries = items.flatMap(({ data }) => parseLines(data?.["entries.jsonl"] ?? ""));
  const weights = entries.filter(({ kind }) => kind === "WeightChanged").map(({ detail }) => detail);
  return {
    verification: verifyChain(entries, service.status.audit),
    decisions: entries.map(({ kind, subject }) => nameless(`${kind} ${subject}`, namespace)).toSorted(),
    weights,
  };
}

/** Where two end states differ, one line each. */
export function differences(actual: unknown, expected: unknown, path = ""): string[] {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return [];
  if (isTree(actual) && isTree(expected)) {
    const [ours, theirs] = [new Map(Object.entries(actual)), new Map(Object.entries(expected))];
    return [...new Set([...ours.keys(), ...theirs.keys()])].flatMap((field) =>
      differences(ours.get(field), theirs.get(field), `${path}/${field}`),
    );
  }
  return [
    `${path}: ${JSON.stringify(actual)?.slice(0, 300)}, in the clean run ${JSON.stringify(expected)?.slice(0, 300)}`,
  ];
}

function isTree(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
