import { jobs } from "../../src/kube/index.ts";
import type { Demo } from "./demo.ts";
import { names } from "./manifests.ts";
import { evenkeel } from "./process.ts";

/** What the cluster knows: Jobs ever seen, audit entries, and whether `evenkeel audit verify` finds the chain whole. */
export async function auditFacts(demo: Demo): Promise<{ jobs: number; entries: number; verified: boolean }> {
  const { items } = await demo.kube.list(jobs, { namespace: names.namespace });
  const verdict = await evenkeel([
    "audit",
    "verify",
    names.service,
    "-n",
    names.namespace,
    "-o",
    "json",
    "--kubeconfig",
    `${demo.dir}/user.kubeconfig`,
  ]);
  const { entries } = JSON.parse(verdict.stdout) as { entries: number };
  return { jobs: items.length, entries, verified: verdict.code === 0 };
}
