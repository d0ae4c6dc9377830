import { inject } from "vitest";
import { connect, type Kube, namespaces } from "../../../src/kube/index.ts";
import { FaultyProxy } from "../../harness/faulty-proxy.ts";

/** A client as admin of the shared control plane, or of a proxy in front of it. */
export async function connectShared(proxy?: FaultyProxy, options: { timeoutMs?: number } = {}): Promise<Kube> {
  const { url, ca, token } = inject("cluster");
  return await connect({
    kubeconfigText: kubeconfigText(proxy?.url ?? url, ca, token),
    ...options,
    fieldManager: "kube-test",
    qps: 500,
    burst: 1000,
  });
}

export async function startProxy(): Promise<FaultyProxy> {
  const { url, ca } = inject("cluster");
  return await FaultyProxy.start({ upstream: { url, ca } });
}

export async function freshNamespace(kube: Kube, prefix: string): Promise<string> {
  const name = `${prefix}-${Math.random().toString(36).slice(2, 8)}`;
  await kube.create(namespaces, { metadata: { name } });
  return name;
}

export function kubeconfigText(url: string, ca: string, token: string): string {
  const trust = url.startsWith("https:")
    ? { "certificate-authority-data": Buffer.from(ca).toString("base64") }
    : { "insecure-skip-tls-verify": true };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server: url, ...trust } }],
    users: [{ name: "test", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
  });
}
