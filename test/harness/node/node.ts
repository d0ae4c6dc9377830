import { ApiError, type KubernetesApi } from "../kubernetes-api.ts";
import { timestamp } from "./container-runner.ts";

export interface NodeSpec {
  readonly name: string;
  /** Default: 8 CPUs, 32Gi, 110 pods. `nvidia.com/gpu` is taken at its word: nobody looks for a card. */
  readonly capacity?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
}

/** What a node says of itself. */
export interface NodeFacts {
  /** Version of the kubelet. */
  readonly version: string;
  readonly ip: string;
  /** Where its log endpoint listens, null when it has none. */
  readonly kubeletPort: number | null;
}

const leaseSeconds = 40;

export function capacityOf({ capacity }: NodeSpec): Readonly<Record<string, string>> {
  return { cpu: "8", memory: "32Gi", pods: "110", "ephemeral-storage": "100Gi", ...capacity };
}

/** Makes the Node object, ready for pods, with its Lease. */
export async function registerNode(api: KubernetesApi, node: NodeSpec, facts: NodeFacts): Promise<void> {
  const { name, labels = {}, taints = [] } = node;
  const object = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": process.arch === "x64" ? "amd64" : process.arch,
        ...labels,
      },
    },
    spec: { taints },
  };
  try {
    await api.create("/api/v1/nodes", object);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
    await api.patch(`/api/v1/nodes/${name}`, object);
  }
  await renewLease(api, name);
  await reportNode(api, node, facts);
}

/** Status and Lease, as a kubelet sends them at intervals; without them pods of the node are tainted and evicted. */
export async function reportNode(api: KubernetesApi, node: NodeSpec, facts: NodeFacts): Promise<void> {
  const capacity = capacityOf(node);
  const now = timestamp();
  const condition = (type: string, status: string, reason: string) => {
    return { type, status, reason, message: reason, lastHeartbeatTime: now, lastTransitionTime: now };
  };
  await api.patchStatus(`/api/v1/nodes/${node.name}`, {
    status: {
      capacity,
      allocatable: capacity,
      addresses: [
        { type: "InternalIP", address: facts.ip },
        { type: "Hostname", address: node.name },
      ],
      conditions: [
        condition("Ready", "True", "KubeletReady"),
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID"),
      ],
      ...(facts.kubeletPort !== null && { daemonEndpoints: { kubeletEndpoint: { Port: facts.kubeletPort } } }),
      nodeInfo: {
        architecture: process.arch === "x64" ? "amd64" : process.arch,
        bootID: "harness",
        containerRuntimeVersion: "harness://1",
        kernelVersion: "harness",
        kubeProxyVersion: "",
        kubeletVersion: facts.version,
        machineID: node.name,
        operatingSystem: "linux",
        osImage: "evenkeel test harness (pods are local processes)",
        systemUUID: node.name,
      },
    },
  });
}

export async function renewLease(api: KubernetesApi, name: string): Promise<void> {
  await api.apply(`/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name },
    spec: {
      holderIdentity: name,
      leaseDurationSeconds: leaseSeconds,
      renewTime: new Date().toISOString().replace("Z", "000Z"),
    },
  });
}
