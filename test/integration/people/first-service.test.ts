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
import { evenkeelImage } from "../../harness/node/images.ts";
import { startNodes } from "../../harness/node/nodes.ts";
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

describe("the store's pod", () => {
  it("is let in by Pod Security restricted, and packs, pushes and trains in it", async () => {
    const place = {
      nodeSelector: { "test/file": "first-service" },
      tolerations: [{ key: "test/file", operator: "Exists" }],
    };
    const nodes = await startNodes({
      cluster: inject("cluster"),
      nodes: [
        {
          name: "first-service",
          labels: { "test/file": "first-service" },
          taints: [{ key: "test/file", effect: "NoSchedule" }],
        },
      ],
      images: { "ghcr.io/evenkeel/trainer:0.1.0": evenkeelImage() },
    });
    try {
      const [claim = ""] = blocks("yaml").filter((text) => text.includes("kind: PersistentVolumeClaim"));
      await kubectl("apply", "--server-side", "-f", await file("claim.yaml", claim));
      const pod = parse(await readFile(join(root, "deploy/samples/store-pod.yaml"), "utf8"));
      const placed = JSON.stringify({ ...pod, spec: { ...pod.spec, ...place } });
      expect(await kubectl("apply", "--server-side", "-f", await file("pod.json", placed))).toBe(
        "pod/evenkeel-store serverside-applied\n",
      );
      await kubectl("wait", "--for=condition=Ready", "pod/evenkeel-store", "--timeout=60s");
      const evenkeel = `${process.execPath} ${join(root, "src/main.ts")}`;
      const inPod = async (script: string): Promise<string> => {
        const { output, code } = await nodes.exec({ namespace, pod: "evenkeel-store" }, ["sh", "-c", script]);
        expect({ code, output: code === 0 ? "" : output }).toEqual({ code: 0, output: "" });
        return output;
      };
      const lines =
        'i=0; while [ $i -lt 300 ]; do echo "{\\"input\\": [$((i * 37 % 101)), $((i * 53 % 97)), $((i * 71 % 89))], \\"label\\": $((i % 2))}"; i=$((i + 1)); done';
      await inPod(`(${lines}) > /tmp/in.jsonl && ${evenkeel} pack /tmp/in.jsonl --to /tmp/shop`);
      const [dataset] =
        /store:\/\/data\/shop@sha256:[0-9a-f]{64}/.exec(await inPod(`${evenkeel} push /tmp/shop --name data/shop`)) ??
        [];
      expect(dataset).toBeDefined();
      expect(await inPod(`${evenkeel} train --dataset ${dataset} --name models/products --steps 2`)).toMatch(
        /store:\/\/models\/products@sha256:[0-9a-f]{64}/,
      );
    } finally {
      await nodes.stop();
    }
  });
});
