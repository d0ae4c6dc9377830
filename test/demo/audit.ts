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
  if (verdict.stdout === "")
    throw new Error(`evenkeel audit verify ended with ${verdict.code}: ${verdict.stderr.trim()}`);
  const { verification } = JSON.parse(verdict.stdout) as { verification: { entries?: number } };
  return { jobs: items.length, entries: verification.entries ?? 0, verified: verdict.code === 0 };
}
