import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { current } from "../../demo/stage/current.ts";
import { startControlPlane } from "../../harness/control-plane.ts";
import { waitFor } from "../../harness/wait.ts";

const main = join(import.meta.dirname, "../../demo/main.ts");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "demo-usage-"));
});
afterAll(() => rm(folder, { recursive: true }));

it.each([
  ["an option that there is not", ["--bogus"], "Unknown option '--bogus'"],
  ["a cluster that there is not", ["--cluster", "mine"], "--cluster mine: must be embedded or current"],
  ["a cluster without an image", ["--cluster", "current"], "--cluster current needs --image IMAGE"],
  [
    "a place that cannot be written to",
    ["--json", "/nowhere/x.json"],
    "--json /nowhere/x.json: there is no such folder",
  ],
])("the demo refuses %s at once", (_, args, message) => {
  const env = { ...process.env, KEEP: "", CLUSTER: "", IMAGE: "" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env });
  expect({ status, stdout, stderr }).toEqual({
    status: 2,
    stdout: "",
    stderr: expect.stringMatching(/^evenkeel demo: [^\n]+\n$/),
  });
  expect(stderr).toContain(message);
});

it("the demo says that the current context does not answer, before anything is prepared", async () => {
  const kubeconfig = join(folder, "nowhere");
  const cluster = { name: "c", cluster: { server: "http://127.0.0.1:9" } };
  const context = { name: "c", context: { cluster: "c", user: "" } };
  await writeFile(
    kubeconfig,
    JSON.stringify({ kind: "Config", clusters: [cluster], contexts: [context], "current-context": "c" }),
  );
  const env = { ...process.env, KEEP: "", KUBECONFIG: kubeconfig, CLUSTER: "current", IMAGE: "x:y" };
  const { status, stdout } = spawnSync(process.execPath, [main], { encoding: "utf8", env });
  expect(status).toBe(1);
  expect(stdout).toContain("127.0.0.1:9");
  expect(stdout).not.toContain("datasets and the first model");
});

it("leaves nothing in a cluster whose nodes never run its image, with a KUBECONFIG of several files", async () => {
  const plane = await startControlPlane();
  try {
    vi.stubEnv("KUBECONFIG", `${join(folder, "absent")}:${plane.adminKubeconfig}`);
    const images = { image: "none:1", trainerImage: "none:1-trainer", prometheusImage: "none:2" };
    const ending = new AbortController();
    const opening = current(folder, images, ending.signal);
    // The pod that opens the store's folder waits for a node for ever.
    await waitFor("its pod", () => plane.api.find("/api/v1/namespaces/evenkeel-demo/pods/open-store"));
    ending.abort(new Error("interrupted"));
    await expect(opening).rejects.toThrow("interrupted");
    const left = await Promise.all(
      [
        "/api/v1/namespaces",
        "/api/v1/persistentvolumes",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles?labelSelector=app.kubernetes.io/part-of=evenkeel-demo",
      ].map((path) => plane.api.get<{ items: { metadata: { name: string } }[] }>(path)),
    );
    expect(left.flatMap(({ items }) => items.map(({ metadata }) => metadata.name)).toSorted()).toEqual([
      "default",
      "kube-node-lease",
      "kube-public",
      "kube-system",
    ]);
  } finally {
    vi.unstubAllEnvs();
    await plane.stop();
  }
});
