import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { kubernetesVersion } from "../servers.ts";

const run = promisify(execFile);
const chart = join(import.meta.dirname, "../../charts/evenkeel");

/**
 * The chart's manifests as `helm template` writes them.
 *
 * @param helm  path of helm; built from source it takes itself for Kubernetes 1.20, hence the version
 * @param values  `name=value`, as after `--set`
 */
export async function renderChart(helm: string, namespace: string, ...values: readonly string[]): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "evenkeel-helm-"));
  try {
    const args = ["template", "evenkeel", chart, `--namespace=${namespace}`, `--kube-version=${kubernetesVersion}`];
    const { stdout } = await run(helm, [...args, ...values.flatMap((value) => ["--set", value])], {
      env: { ...process.env, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home },
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** `deploy/operator.yaml`: the chart with its own values, without the CRDs, which stand beside it. */
export async function operatorManifest(helm: string): Promise<string> {
  const rendered = await renderChart(helm, "evenkeel-system", "crds.enabled=false");
  const own = rendered
    .replaceAll(/^ *(helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, "")
    .replaceAll(/^# Source: .*\n/gm, "");
  return `# Written by \`npm run generate\` from charts/evenkeel. Do not edit.\n${own}`;
}
