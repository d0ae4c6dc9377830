import { parseLines, type Verification, verifyChain } from "../../src/audit/index.ts";
import type { ConfigMap, Deployment, KubeObject } from "../../src/kube/index.ts";
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
    `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
    ...["roles", "rolebindings"].map(
      (plural) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/${plural}`,
    ),
  ];
};

/** Objects by kind and name. A list of those whose names differ in nothing but what differs between two runs. */
export type EndState = Readonly<Record<string, readonly unknown[]>>;

/** Everything there is in a namespace at the end. */
export async function endState(api: KubernetesApi, namespace: string): Promise<EndState> {
  const lists = collections(namespace).map(async (path) => {
    const { items } = await api.get<{ items: Listed[] }>(path);
    return comparable(path.slice(path.lastIndexOf("/") + 1), items, namespace);
  });
  return Object.assign({}, ...(await Promise.all(lists)));
}

type Listed = KubeObject & { readonly data?: Readonly<Record<string, string>>; readonly status?: object };

/**
 * Objects of a kind with what must differ between two runs taken away: times, UIDs, versions, hashes of those, and what
 * a status counts or measures.
 */
export function comparable(plural: string, items: readonly Listed[], namespace: string): EndState {
  const ours = items.filter(({ metadata }) => !["kube-root-ca.crt", "default"].includes(metadata.name));
  const state: Record<string, unknown[]> = {};
  for (const item of ours) {
    const alike = (state[`${plural}/${nameless(item.metadata.name, namespace)}`] ??= []);
    alike.push(JSON.parse(nameless(JSON.stringify(essence(plural, item)), namespace)));
  }
  return state;
}

function essence(plural: string, item: Listed): unknown {
  const { name: _, namespace: __, uid: ___, resourceVersion: ____, ...metadata } = item.metadata;
  const { managedFields: _a, creationTimestamp: _b, ...rest } = metadata;
  return {
    ...item,
    ...(item.data ? { data: bookless(item) } : {}),
    ...(item.status ? { status: without(item.status, measured[plural] ?? []) } : {}),
    metadata: { ...rest, ownerReferences: metadata.ownerReferences?.map(({ kind }) => kind) },
  };
}

/** Of audit segments and of gateways' reports the keys alone: they are checked by themselves. */
function bookless({ metadata, data = {} }: Listed): unknown {
  if (metadata.labels?.["evenkeel.dev/audit"] !== undefined) return Object.keys(data);
  if (metadata.name.endsWith("-gateway-reports")) return "reports";
  return data;
}

/** Fields of each kind's status that count time, or say what was last looked at, and when. Specs have none of these. */
const measured: Readonly<Record<string, readonly string[]>> = {
  // Hashes over times and over the service's UID; the chain is verified by itself, the routing stands in its ConfigMap.
  embeddingservices: ["audit.head", "routing.hash", "ledger.gpuSeconds"],
  retrainings: ["train", "evaluate"].flatMap((job) => [`${job}.gpuSeconds`, `${job}.pods.gpuSeconds`]),
  // Of the watch after the promotion: an operator that comes back after its end has nothing to analyse any more.
  modelrollouts: ["heldFor", "heldTo", "analysedAt", "analysis", "verdict", "noDataSince"],
};

/** A value without the fields at these paths; a path goes through every element of a list. */
function without(value: unknown, fields: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((element) => without(element, fields));
  if (fields.length === 0 || !isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !fields.includes(name))
      .map(([name, inner]) => {
        const below = fields.flatMap((path) => (path.startsWith(`${name}.`) ? [path.slice(name.length + 1)] : []));
        return [name, without(inner, below)];
      }),
  );
}

/** Names, times and hashes that differ between two namespaces. */
export function nameless(text: string, namespace: string): string {
  return (
    text
      .replaceAll(namespace, "NAMESPACE")
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UID")
      .replaceAll(/shop-[0-9a-f]{10}(?![0-9a-f])/g, "shop-CAUSE")
      .replaceAll(/"id":"[^"]*"/g, '"id":"HASH"')
      // In the annotation that says what was wanted last, beside the shape of it.
      .replaceAll(/\\"hash\\":\\"[^"\\]*\\"/g, '\\"hash\\":\\"HASH\\"')
      .replaceAll(/ReplicaSet \\"([a-z-]+)-[0-9a-z]+\\"/g, "ReplicaSet $1")
      .replaceAll(/(\\?)"seed\\?":\d+/g, '$1"seed$1":0')
      .replaceAll(/"nodePort":\d+/g, '"nodePort":0')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME")
      .replaceAll(/"10\.0\.0\.\d+"/g, '"ADDRESS"')
      .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "PROMETHEUS")
  );
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

/** What a loop came to, told without a clean run to compare with. */
export interface Outcome {
  /** The model in the workload's own manifest. */
  readonly served: string | undefined;
  /** The workload, its gateway, and pools if any were left. */
  readonly deployments: readonly string[];
  /** Jobs that were ever made, in their order. */
  readonly jobs: readonly string[];
  readonly promotions: number;
}

export async function outcome(
  api: KubernetesApi,
  namespace: string,
  { decisions }: Trail,
  jobs: readonly string[],
): Promise<Outcome> {
  const { items } = await api.get<{ items: Deployment[] }>(paths(namespace).deployments);
  const workload = items.find(({ metadata }) => metadata.name === "embedder");
  return {
    served: workload?.spec?.template.spec?.containers[0]?.env?.find(({ name }) => name === "MODEL_URI")?.value,
    deployments: items.map(({ metadata }) => metadata.name).toSorted(),
    jobs,
    promotions: decisions.filter((decision) => decision.startsWith("VersionPromoted ")).length,
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
