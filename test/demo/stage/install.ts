import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository, type Stage } from "./stage.ts";

const run = promisify(execFile);

/** Where the chart is installed, as which release. */
export const chart = { namespace: "evenkeel-system", release: "evenkeel" };

/** Installs the chart as a user would. CRDs and ClusterRoles need the cluster's admin; the operator itself does not. */
export async function installChart(stage: Stage, dir: string): Promise<void> {
  const values = join(dir, "values.json");
  await writeFile(
    values,
    JSON.stringify({
      image: split(stage.image),
      trainerImage: split(stage.trainerImage),
      prometheus: { allow: [stage.prometheus.url] },
      // The demo's blocks are 2 s long, so the operator looks as often.
      operator: { resync: "2s" },
    }),
  );
  await run(stage.helm, [
    "upgrade",
    "--install",
    chart.release,
    join(repository, "charts/evenkeel"),
    `--kubeconfig=${stage.admin.kubeconfig}`,
    `--namespace=${chart.namespace}`,
    "--create-namespace",
    `--values=${values}`,
    "--wait",
    "--timeout=120s",
  ]);
}

/** CRDs stay, as the chart says they do. */
export async function uninstallChart({ admin, helm }: Pick<Stage, "admin" | "helm">): Promise<void> {
  await run(helm, [
    "uninstall",
    chart.release,
    `--kubeconfig=${admin.kubeconfig}`,
    `--namespace=${chart.namespace}`,
    "--ignore-not-found",
    "--wait",
  ]);
}

function split(image: string): { repository: string; tag: string } {
  const colon = image.lastIndexOf(":");
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}
