import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { operatorManifest, renderChart } from "../../../tools/generate/chart.ts";
import { ensureServers, kubernetesVersion, type Servers } from "../../../tools/servers.ts";
import { installCrds } from "../../harness/crds.ts";
import { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { writeSchemas } from "./openapi-schemas.ts";

const run = promisify(execFile);
const cluster = inject("cluster");
const api = new KubernetesApi(cluster);
const root = join(import.meta.dirname, "../../..");
const chart = join(root, "charts/evenkeel");
let servers: Servers;
let folder = "";
let schemas = "";
let namespace = "";

const variants = {
  "by default": [],
  "with everything on": ["podMonitor.enabled=true", "prometheusRule.enabled=true", "grafana.dashboard.enabled=true"],
  "in two namespaces": ["namespaces={search,fraud}"],
} as const;

beforeAll(async () => {
  servers = await ensureServers();
  folder = await mkdtemp(join(tmpdir(), "evenkeel-chart-"));
  await installCrds(api);
  schemas = await writeSchemas(api, join(folder, "schemas"));
  namespace = await makeNamespace(api, "chart", { "pod-security.kubernetes.io/enforce": "restricted" });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await api.close();
});

async function rendered(values: readonly string[]): Promise<string> {
  const file = join(folder, `${values.join("+").replaceAll(/\W/g, "-") || "default"}.yaml`);
  await writeFile(file, await renderChart(servers.helm, namespace, ...values));
  return file;
}

/** What kubeconform says; its complaints are on stdout. */
async function kubeconform(...paths: readonly string[]): Promise<string> {
  const args = ["-strict", "-summary", "-schema-location", schemas, "-skip", "PodMonitor,PrometheusRule,Kustomization"];
  const { stdout } = await run(servers.kubeconform, [...args, ...paths]).catch((error: { stdout: string }) => error);
  return stdout;
}

/** What the API server would apply, a line each. */
async function dryRun(items: readonly object[]): Promise<string[]> {
  const file = join(folder, "list.json");
  await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const kubeconfig = `--kubeconfig=${cluster.adminKubeconfig}`;
  const args = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", file];
  const { stdout, stderr } = await run(servers.kubectl, [kubeconfig, ...args]);
  expect(stderr).not.toContain("violate PodSecurity");
  return stdout.trim().split("\n");
}

describe("the chart", () => {
  it("passes helm lint --strict", async () => {
    const { stdout } = await run(servers.helm, ["lint", "--strict", `--kube-version=${kubernetesVersion}`, chart]);
    expect(stdout).toContain("0 chart(s) failed");
  });

  it.each([
    ["a value that does not exist", "operator.replica=3", /replica/],
    ["a replica count in words", "operator.replicas=two", /operator\/replicas|operator\.replicas/],
    ["a Prometheus without a scheme", "prometheus.allow={prometheus:9090}", /prometheus/],
    ["a namespace that is no name", "namespaces={Search}", /namespaces/],
    ["a digest that is none", "image.digest=latest", /digest/],
    ["a repository with a space", "image.repository=bad repo", /image.repository/],
    ["a repository in capitals", "trainerImage.repository=registry.example/Evenkeel", /trainerImage.repository/],
    ["a tag with a slash", "image.tag=a/b", /image.tag/],
    ["a ServiceAccount that is no name", "serviceAccount.name=A_b", /serviceAccount.name/],
    ["fewer pods than none", "operator.podDisruptionBudget.minAvailable=-1", /minAvailable/],
    ["a number of pods in words", "operator.podDisruptionBudget.minAvailable=abc", /minAvailable/],
    ["more than all pods", "operator.podDisruptionBudget.minAvailable=101%", /minAvailable/],
    ["a budget of all pods", "operator.podDisruptionBudget.minAvailable=2", /2 of 2 replicas lets no pod go/],
    ["a share that is all pods", "operator.podDisruptionBudget.minAvailable=51%", /51% of 2 replicas lets no pod go/],
  ])("refuses %s", async (_what, value, message) => {
    await expect(renderChart(servers.helm, "x", value)).rejects.toThrow(message);
  });

  it.each([
    ["operator.podDisruptionBudget.minAvailable=50%", "minAvailable: 50%"],
    ["operator.podDisruptionBudget.minAvailable=0", "minAvailable: 0"],
    ["image.repository=registry.example:5000/team__a/even-keel", "image: registry.example:5000/team__a/even-keel:"],
    ["image.repository=evenkeel", "image: evenkeel:"],
    ["serviceAccount.name=a.b-c", "serviceAccountName: a.b-c"],
  ])("takes %s", async (value, written) => {
    expect(await renderChart(servers.helm, "x", value)).toContain(written);
  });

  it.each(Object.entries(variants))("is valid to kubeconform -strict %s", async (_name, values) => {
    expect(await kubeconform(await rendered(values))).toMatch(/Invalid: 0, Errors: 0/);
  });

  it.each(Object.entries(variants))("is accepted by the API server %s", async (name, values) => {
    for (const other of name === "in two namespaces" ? ["search", "fraud"] : []) {
      await api.apply(`/api/v1/namespaces/${other}`, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: other },
      });
    }
    // The Prometheus operator's kinds are not here.
    const objects = parseAllDocuments(await readFile(await rendered(values), "utf8")).map((document) =>
      document.toJS(),
    );
    const known = objects.filter((object) => object && !object.apiVersion.startsWith("monitoring.coreos.com"));
    expect(await dryRun(known)).toHaveLength(known.length);
  });

  it("makes pods that Pod Security restricted lets in", async () => {
    const [deployment] = parseAllDocuments(await readFile(await rendered([]), "utf8"))
      .map((document) => document.toJS())
      .filter((object) => object?.kind === "Deployment");
    const { metadata, spec } = deployment.spec.template;
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata, name: "operator" },
      spec: { ...spec, serviceAccountName: "default" },
    };
    await expect(api.create(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod)).resolves.toBeDefined();
  });

  it("has alert rules that promtool accepts", async () => {
    const { stdout } = await run(servers.promtool, ["check", "rules", join(chart, "files/alerts.yaml")]);
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
  });
});

describe("deploy/", () => {
  it("holds what the chart gives (npm run generate)", async () => {
    expect(await readFile(join(root, "deploy/operator.yaml"), "utf8")).toBe(await operatorManifest(servers.helm));
  });

  it("is valid to kubeconform -strict, samples included", async () => {
    expect(await kubeconform(join(root, "deploy"))).toMatch(/Invalid: 0, Errors: 0/);
  });

  it("builds with kustomize and is accepted by the API server", async () => {
    const { stdout: built } = await run(servers.kubectl, ["kustomize", join(root, "deploy")], {
      maxBuffer: 16 * 1024 * 1024,
    });
    const objects = parseAllDocuments(built).map((document) => document.toJS());
    expect(new Set(objects.map(({ kind }) => kind))).toContain("CustomResourceDefinition");
    expect(objects.filter(({ kind }) => kind === "Deployment")).toHaveLength(1);
    // A dry run makes no namespace for what is to be in it.
    const own = objects.filter(({ kind }) => kind === "Namespace");
    for (const object of own) await api.apply(`/api/v1/namespaces/${object.metadata.name}`, object);
    expect(await dryRun(objects)).toHaveLength(objects.length);
  });
});
