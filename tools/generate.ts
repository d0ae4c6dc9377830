/**
 * Writes what is generated: CRDs and the API reference from the schemas in src/api, the dashboard, the alert rules and
 * the page of metrics from the catalogue in src/metrics.
 *
 *     node tools/generate.ts            writes
 *     node tools/generate.ts --check    exits 1 and names each file that is not what would be written
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crds } from "../src/api/crd.ts";
import { alertRules, catalogue, grafanaDashboard } from "../src/metrics/index.ts";
import { operatorManifest } from "./generate/chart.ts";
import { metricsReference } from "./generate/metrics.ts";
import { reference, referenceIndex } from "./generate/reference.ts";
import { yaml } from "./generate/yaml.ts";
import { ensureServers } from "./servers.ts";

const root = join(import.meta.dirname, "..");
const header = "# Written by `npm run generate` from src/api. Do not edit.\n";
const metricsHeader = "# Written by `npm run generate` from src/metrics. Do not edit.\n";

/** Every generated file by its path from the root. */
export function generated(): Map<string, string> {
  const files = new Map<string, string>();
  const definitions = crds();
  for (const crd of definitions) {
    const { plural, singular } = crd.spec.names;
    files.set(`deploy/crds/${plural}.yaml`, header + yaml(crd));
    files.set(`charts/evenkeel/templates/crds/${plural}.yaml`, chartTemplate(crd));
    files.set(`docs/reference/${singular}.md`, reference(crd));
  }
  files.set("docs/reference/README.md", referenceIndex(definitions));
  files.set("docs/reference/metrics.md", metricsReference(catalogue));
  files.set("charts/evenkeel/files/dashboard.json", `${JSON.stringify(grafanaDashboard(catalogue), null, 2)}\n`);
  files.set("charts/evenkeel/files/alerts.yaml", metricsHeader + yaml(alertRules(catalogue)));
  return files;
}

/** A template and not a file in `crds/`: Helm never upgrades those (decision 38). Kept when the chart is uninstalled. */
function chartTemplate(crd: ReturnType<typeof crds>[number]): string {
  const kept = { ...crd, metadata: { ...crd.metadata, annotations: { "helm.sh/resource-policy": "keep" } } };
  return `{{- if .Values.crds.enabled }}\n${header}${yaml(kept)}{{- end }}\n`;
}

async function main(check: boolean): Promise<void> {
  const stale: string[] = [];
  const files = generated();
  // Needs helm: when checking, the chart's integration test looks at it, so that `npm run check` builds no servers.
  if (!check) files.set("deploy/operator.yaml", await operatorManifest((await ensureServers()).helm));
  for (const [path, content] of files) {
    const file = join(root, path);
    const present = await readFile(file, "utf8").catch(() => null);
    if (present === content) continue;
    stale.push(path);
    if (check) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  if (check && stale.length > 0) {
    console.error(`not what \`npm run generate\` writes:\n${stale.map((path) => `  ${path}`).join("\n")}`);
    process.exitCode = 1;
  } else if (!check) {
    console.log(stale.length === 0 ? "everything is up to date" : `wrote ${stale.join(", ")}`);
  }
}

if (import.meta.main) await main(process.argv.includes("--check"));
