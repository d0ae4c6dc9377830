import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, it } from "vitest";
import { ensureServers } from "../../tools/servers.ts";
import { startControlPlane } from "../harness/control-plane.ts";
import { KubernetesApi } from "../harness/kubernetes-api.ts";
import { makeNamespace } from "../harness/namespace.ts";
import { portOf } from "../harness/ports.ts";
import { annotatedPods, startPrometheus } from "../harness/prometheus.ts";
import { waitFor } from "../harness/wait.ts";

const run = promisify(execFile);
const cluster = inject("cluster");

it("answers kubectl with the pinned version", async () => {
  const { kubectl } = await ensureServers();
  const { stdout } = await run(kubectl, ["--kubeconfig", cluster.adminKubeconfig, "version", "-o", "json"]);
  const { clientVersion, serverVersion } = JSON.parse(stdout);
  expect([clientVersion.gitVersion, serverVersion.gitVersion]).toEqual(["v1.37.2", "v1.37.2"]);
});

it("lets a ServiceAccount do no more than its roles say, and enforces Pod Security", async () => {
  const plane = await startControlPlane({ parts: "ApiServer", users: [{ name: "ada", groups: ["people"] }] });
  try {
    const whoami = await run(plane.servers.kubectl, [
      "--kubeconfig",
      plane.kubeconfig("ada"),
      "auth",
      "whoami",
      "-o",
      "json",
    ]);
    expect(JSON.parse(whoami.stdout).status.userInfo).toMatchObject({
      username: "ada",
      groups: ["people", "system:authenticated"],
    });
    expect(() => plane.kubeconfig("bob")).toThrow("no user bob: admin, ada exist");

    const api = plane.api;
    await api.create("/api/v1/namespaces", {
      metadata: { name: "strict", labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    });
    await api.create("/api/v1/namespaces/strict/serviceaccounts", { metadata: { name: "robot" } });
    const config = await plane.serviceAccountKubeconfig("strict", "robot");
    const pods = run(plane.servers.kubectl, ["--kubeconfig", config, "get", "pods"]);
    await expect(pods).rejects.toThrow('User "system:serviceaccount:strict:robot" cannot list resource "pods"');

    const pod = {
      metadata: { name: "root" },
      spec: { serviceAccountName: "robot", containers: [{ name: "a", image: "a" }] },
    };
    await expect(api.create("/api/v1/namespaces/strict/pods", pod)).rejects.toThrow('violates PodSecurity "restricted');
  } finally {
    await plane.stop();
  }
});

it("scrapes annotated pods with a real Prometheus", async () => {
  const metrics = { "/m": "answer 42\n" } as Readonly<Record<string, string>>;
  const server = createServer(({ url = "" }, response) => {
    response.setHeader("content-type", "text/plain; version=0.0.4").end(metrics[url]);
  }).listen(0, "127.9.8.7");
  await once(server, "listening");
  const port = String(portOf(server));
  const api = new KubernetesApi(cluster);
  const namespace = await makeNamespace(api, "scraped");
  const prometheus = await startPrometheus({ scrapeConfigs: [annotatedPods(cluster.adminKubeconfig)] });
  try {
    const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": port, "prometheus.io/path": "/m" };
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await api.create(path, {
      metadata: { name: "pod", annotations },
      spec: { nodeName: "nowhere", containers: [{ name: "a", image: "a" }] },
    });
    await api.patchStatus(`${path}/pod`, {
      status: { phase: "Running", podIP: "127.9.8.7", podIPs: [{ ip: "127.9.8.7" }] },
    });
    const [result] = await waitFor("a scraped value", async () => {
      const results = await prometheus.query(`answer{namespace="${namespace}", pod="pod"}`);
      return results.length > 0 && results;
    });
    expect(result?.value[1]).toBe("42");
  } finally {
    await prometheus.stop();
    await api.delete(`/api/v1/namespaces/${namespace}/pods/pod`, { gracePeriodSeconds: 0 });
    await api.close();
    server.close();
  }
});

it("leaves nothing running when its process is killed", async () => {
  const dir = await mkdtemp(join(tmpdir(), "evenkeel-killed-"));
  const script = join(dir, "start.ts");
  const harness = join(import.meta.dirname, "../harness/control-plane.ts");
  await writeFile(
    script,
    `import { startControlPlane } from ${JSON.stringify(harness)};
     const { dir } = await startControlPlane({ dir: ${JSON.stringify(dir)} });
     console.log("up"); setInterval(() => dir, 1000);`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(parent.stdout, "data");
    expect(await processesUsing(dir)).toHaveLength(5);
    parent.kill("SIGKILL");
    await waitFor("every server to be gone", async () => (await processesUsing(dir)).length === 0);
  } finally {
    parent.kill("SIGKILL");
    await rm(dir, { recursive: true, force: true });
  }
});

/** Command lines of the live processes that name a folder: the starting process and its four servers. */
async function processesUsing(dir: string): Promise<readonly string[]> {
  const { stdout } = await run("ps", ["-eo", "pid="]);
  const lines = stdout.split("\n").map((pid) => readFile(`/proc/${pid.trim()}/cmdline`, "utf8").catch(() => ""));
  return (await Promise.all(lines)).filter((line) => line.includes(dir));
}
