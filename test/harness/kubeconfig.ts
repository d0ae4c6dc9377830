import { writeFile } from "node:fs/promises";
import { type Access, KubernetesApi } from "./kubernetes-api.ts";

/** A kubeconfig (JSON is YAML) with one cluster, one user, one context. */
export function kubeconfig(access: Access, user: string, namespace = "default"): string {
  return JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": user,
      clusters: [
        {
          name: "harness",
          cluster: { server: access.url, "certificate-authority-data": Buffer.from(access.ca).toString("base64") },
        },
      ],
      users: [{ name: user, user: { token: access.token } }],
      contexts: [{ name: user, context: { cluster: "harness", user, namespace } }],
    },
    null,
    2,
  );
}

/** Writes a kubeconfig that only its owner may read. */
export async function writeKubeconfig(file: string, access: Access, user: string, namespace?: string): Promise<string> {
  await writeFile(file, kubeconfig(access, user, namespace), { mode: 0o600 });
  return file;
}

/** Access as a ServiceAccount, by the TokenRequest API: what a pod with that account may do, the holder may do. */
export async function serviceAccountAccess(admin: Access, namespace: string, name: string): Promise<Access> {
  const api = new KubernetesApi(admin);
  try {
    const { status } = await api.create<{ status: { token: string } }>(
      `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 7200 } },
    );
    return { ...admin, token: status.token };
  } finally {
    await api.close();
  }
}
