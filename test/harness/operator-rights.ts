import { parseAllDocuments } from "yaml";
import { renderChart } from "../../tools/generate/chart.ts";
import { ensureServers } from "../../tools/servers.ts";
import type { KubernetesApi } from "./kubernetes-api.ts";

/** A ClusterRoleBinding is not among them: whoever needs it does not run on Roles alone. */
const collections: Readonly<Record<string, string>> = {
  ServiceAccount: "/api/v1/namespaces/NS/serviceaccounts",
  Role: "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles",
  RoleBinding: "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings",
  ClusterRole: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
};

/** Name of the operator's ServiceAccount. */
export const operatorAccount = "evenkeel";

/**
 * Makes what the chart makes for an operator that works on Roles alone: its ServiceAccount in the namespace of its
 * release, and its rights there and in the namespaces that it works in.
 */
export async function installOperatorRights(api: KubernetesApi, release: string, ...work: string[]): Promise<void> {
  const { helm } = await ensureServers();
  const manifest = await renderChart(helm, release, `namespaces={${work.join(",")}}`, "crds.enabled=false");
  for (const document of parseAllDocuments(manifest)) {
    const object = document.toJS();
    const collection = collections[object?.kind];
    if (collection === undefined) continue;
    const { name, namespace } = object.metadata;
    await api.apply(`${collection.replace("NS", namespace)}/${name}`, object);
  }
}
