import { join } from "node:path";
import { Informer, type Kube, pods } from "../../src/kube/index.ts";
import { serviceAccountAccess, writeKubeconfig } from "../harness/kubeconfig.ts";
import { KubernetesApi } from "../harness/kubernetes-api.ts";
import type { Stage } from "./cluster.ts";
import { embeddingService, names, threatModel, workload } from "./manifests.ts";
import type { Prepared } from "./prepare.ts";

/** The service's user: the role `edit` in one namespace, which evenkeel's own role is added to. */
export interface User {
  readonly kubeconfig: string;
  readonly api: KubernetesApi;
}

/** Makes the namespace and its user. */
export async function makeUser(stage: Stage, dir: string): Promise<User> {
  const { namespace } = names;
  const name = "demo-user";
  await stage.api.create("/api/v1/namespaces", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  });
  await stage.api.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name },
  });
  await stage.api.create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  });
  const access = await serviceAccountAccess(stage.api.access, namespace, name);
  return {
    kubeconfig: await writeKubeconfig(join(dir, "user.kubeconfig"), access, name, namespace),
    api: new KubernetesApi(access),
  };
}

/** Applies what a user of evenkeel writes. @returns the store's folder on this machine */
export async function deployService(stage: Stage, { api }: User, prepared: Prepared): Promise<string> {
  const { namespace } = names;
  const manager = "kubectl";
  await api.apply(
    `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${names.claim}`,
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: names.claim, namespace },
      spec: { accessModes: ["ReadWriteMany"], resources: { requests: { storage: "10Gi" } } },
    },
    manager,
  );
  const store = await stage.fillStore(namespace, names.claim, prepared.folder);
  await api.apply(
    `/apis/apps/v1/namespaces/${namespace}/deployments/${names.workload}`,
    workload(stage.image),
    manager,
  );
  const ours = `/apis/evenkeel.dev/v1alpha1/namespaces/${namespace}`;
  await api.apply(`${ours}/threatmodels/${names.threatModel}`, threatModel(), manager);
  const pace = { block: "2s", trainSteps: prepared.trainSteps, mirror: "10s", hold: "10s" };
  const service = embeddingService({ ...prepared, prometheus: stage.prometheus.url }, pace);
  await api.apply(`${ours}/embeddingservices/${names.service}`, service, manager);
  return store;
}

/** @returns the base URLs of the gateway pods that are ready, as they are at the time of the call */
export async function gatewaysOf(kube: Kube, stop: (() => Promise<unknown>)[]): Promise<() => readonly string[]> {
  const ending = new AbortController();
  const informer = new Informer({
    kube,
    resource: pods,
    namespaces: [names.namespace],
    labelSelector: `evenkeel.dev/gateway=${names.service}`,
  });
  const running = informer.run(ending.signal);
  stop.push(() => {
    ending.abort();
    return running;
  });
  await informer.whenSynced(ending.signal);
  return () =>
    [...informer.list()].flatMap(({ metadata, status }) => {
      const ready = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");
      return ready && status?.podIP && !metadata.deletionTimestamp ? [`http://${status.podIP}:8080`] : [];
    });
}
