import type { TestProject } from "vitest/node";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import type { Access } from "./kubernetes-api.ts";

/** What integration tests know of the control plane that they share. */
export interface SharedCluster extends Access {
  /** Path of admin's kubeconfig. */
  readonly adminKubeconfig: string;
  readonly dir: string;
  readonly certificate: ControlPlane["certificate"];
}

declare module "vitest" {
  export interface ProvidedContext {
    cluster: SharedCluster;
  }
}

/** vitest's global setup: one control plane for all integration tests; each file makes namespaces of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, ca, token, adminKubeconfig, dir, certificate, stop } = await startControlPlane();
  project.provide("cluster", { url, ca, token, adminKubeconfig, dir, certificate });
  return stop;
}
