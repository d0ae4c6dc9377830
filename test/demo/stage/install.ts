import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository, type Stage } from "./stage.ts";

const run = promisify(execFile);

/** Installs the chart as a user would. CRDs and ClusterRoles need the cluster's admin; the operator itself does not. */
export async function installChart(stage: Stage, namespace: string, dir: string): Promise<void> {
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
    "evenkeel",
    join(repository, "charts/evenkeel"),
    `--kubeconfig=${stage.admin.kubeconfig}`,
    `--namespace=${namespace}`,
    "--create-namespace",
    `--values=${values}`,
    "--wait",
    "--timeout=120s",
  ]);
}

function split(image: string): { repository: string; tag: string } {
  const colon = image.lastIndexOf(":");
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}
