import { z } from "zod";
import { jobs } from "../../src/kube/index.ts";
import type { Demo } from "./demo.ts";
import { names } from "./manifests.ts";
import { evenkeel } from "./process.ts";

const verified = z.object({ verification: z.object({ entries: z.number().default(0) }) });

/** Jobs of these runs: one for each step of each, whatever was restarted in between. */
export async function jobsOf(demo: Demo, runs: readonly { readonly name: string }[]): Promise<number> {
  const { items } = await demo.kube.list(jobs, { namespace: names.namespace });
  return items.filter(({ metadata }) =>
    metadata.ownerReferences?.some((owner) => runs.some(({ name }) => name === owner.name)),
  ).length;
}

/** How many audit entries there are, and whether `evenkeel audit verify` finds their chain whole. */
export async function auditFacts(demo: Demo): Promise<{ entries: number; verified: boolean }> {
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
  const { verification } = verified.parse(JSON.parse(verdict.stdout));
  return { entries: verification.entries, verified: verdict.code === 0 };
}
