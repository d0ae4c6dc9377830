import { KubernetesApi } from "./kubernetes-api.ts";
import { waitFor } from "./wait.ts";

/** Makes a namespace with a unique name that starts with `prefix`, ready for pods (its default account exists). */
export async function makeNamespace(
  api: KubernetesApi,
  prefix: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { metadata } = await api.create<{ metadata: { name: string } }>("/api/v1/namespaces", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { generateName: `${prefix}-`, labels },
  });
  const account = `/api/v1/namespaces/${metadata.name}/serviceaccounts/default`;
  await waitFor(`the default account of namespace ${metadata.name}`, () => api.find(account));
  return metadata.name;
}
