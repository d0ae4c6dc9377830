import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { parse } from "yaml";
import { subcommands } from "../../../src/cli/subcommands.ts";
import { catalogue } from "../../../src/metrics/index.ts";
import { ensureServers } from "../../../tools/servers.ts";
import { installCrds } from "../../harness/crds.ts";
import { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { annotatedPods } from "../../harness/prometheus.ts";
import { temporaryFolder } from "../../harness/temporary-folder.ts";

const root = join(import.meta.dirname, "../../..");
const run = promisify(execFile);
const api = new KubernetesApi(inject("cluster"));
let guide = "";
let namespace = "";
let folder = "";

beforeAll(async () => {
  await installCrds(api);
  namespace = await makeNamespace(api, "first", { "pod-security.kubernetes.io/enforce": "restricted" });
  folder = await temporaryFolder("guide");
  guide = await readFile(join(root, "docs/guides/first-service.md"), "utf8");
});
afterAll(() => api.close());

const blocks = (language: string): string[] =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, "g"))].map(([, text]) => text ?? "");

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const { kubectl: program } = await ensureServers();
  const { stdout, stderr } = await run(program, [
    ...args,
    "-n",
    namespace,
    "--kubeconfig",
    inject("cluster").adminKubeconfig,
  ]);
  return stdout + stderr;
}

describe("the guide to a first service", () => {
  it("shows objects that the API server takes", async () => {
    const objects = blocks("yaml").filter((text) => text.includes("apiVersion"));
    expect(objects).toHaveLength(2);
    for (const [i, text] of objects.entries()) {
      expect(await kubectl("apply", "--server-side", "--dry-run=server", "-f", await file(`${i}.yaml`, text))).toMatch(
        /serverside-applied \(server dry run\)/,
      );
    }
  });

  it("shows a configuration that Prometheus takes, and metrics that there are", async () => {
    const [config = ""] = blocks("yaml").filter((text) => text.includes("scrape_configs"));
    const { promtool } = await ensureServers();
    const { stdout } = await run(promtool, ["check", "config", await file("prometheus.yml", config)]);
    expect(stdout).toContain("SUCCESS");
    const shown: { scrape_configs: [Record<string, unknown>] } = parse(config);
    // What the demo's Prometheus scrapes by, which is seen to work.
    expect(shown.scrape_configs[0]["relabel_configs"]).toEqual(annotatedPods("")["relabel_configs"]);
    const metrics = Object.values(catalogue).flatMap((group) => Object.values(group).map(({ name }) => name));
    expect(metrics).toEqual(expect.arrayContaining(guide.match(/evenkeel_(gateway|monitor)_[a-z0-9_]+/g) ?? []));
  });

  it("uses subcommands and options that there are", async () => {
    const commands = blocks("sh").flatMap((text) => [
      ...text.matchAll(/(?:evenkeel|src\/main\.ts) ([a-z]+)([^\n|]*)/g),
    ]);
    expect(commands.length).toBeGreaterThan(6);
    const unknown: string[] = [];
    for (const [line, name, rest = ""] of commands) {
      const command = await subcommands.find((each) => each.name === name)?.load();
      const known = command?.options.map(({ long }) => long) ?? [];
      const given = [...rest.matchAll(/--[a-z-]+/g)].map(([option]) => option);
      if (!command || given.some((option) => !known.includes(option))) unknown.push(line);
    }
    expect(unknown).toEqual([]);
  });
});

it("the store's pod is one that Pod Security restricted lets in", async () => {
  const pod = join(root, "deploy/samples/store-pod.yaml");
  const out = await kubectl("apply", "--server-side", "--dry-run=server", "-f", pod);
  expect(out).toBe("pod/evenkeel-store serverside-applied (server dry run)\n");
});
