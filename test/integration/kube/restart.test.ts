import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { configMaps, connect, formatKey, Informer, type Kube, keyOf, namespaces } from "../../../src/kube/index.ts";
import { type ControlPlane, startControlPlane } from "../../harness/control-plane.ts";
import { waitFor } from "../../harness/wait.ts";

let plane: ControlPlane;
let kube: Kube;
let restarted: ChildProcess | undefined;

beforeAll(async () => {
  plane = await startControlPlane({ parts: "ApiServer" });
  kube = await connect({ kubeconfig: plane.adminKubeconfig, fieldManager: "kube-test", qps: 500, burst: 1_000 });
});
afterAll(async () => {
  await kube.close();
  if (restarted) {
    restarted.kill("SIGKILL");
    await once(restarted, "exit");
  }
  await plane.stop();
});

/** The API server of this control plane, by its command line, which names the plane's own folder. */
async function apiServer(): Promise<{ pid: number; command: string[] }> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""))
      .split("\0")
      .filter((part) => part !== "");
    const [program = ""] = command;
    if (program.endsWith("kube-apiserver") && command.some((part) => part.includes(plane.dir)))
      return { pid: Number(pid), command };
  }
  throw new Error("no API server");
}

it("an API server that is killed and started again loses the informer nothing", async () => {
  const namespace = "restart";
  await kube.create(namespaces, { metadata: { name: namespace } });
  const create = (name: string) => kube.create(configMaps, { metadata: { name, namespace }, data: { n: "0" } });
  for (const name of ["kept", "gone", "again"]) await create(name);
  const stop = new AbortController();
  const informer = new Informer({ kube, resource: configMaps, namespaces: [namespace] });
  const told: string[] = [];
  informer.on(({ type, key }) => told.push(`${type} ${key.name}`));
  const running = informer.run(stop.signal);
  await informer.whenSynced();

  const { pid, command } = await apiServer();
  process.kill(pid, "SIGKILL");
  await waitFor("the informer to notice", () => informer.lastFault);
  const [program = "", ...args] = command;
  restarted = spawn("setpriv", ["--pdeathsig", "KILL", "--", program, ...args], { stdio: "ignore" });
  const up = await waitFor("the API server", () => kube.get(configMaps, { namespace, name: "kept" }));
  const startedAt = performance.now();
  await kube.mergePatch(configMaps, keyOf(up), { data: { n: "1" } });
  await kube.delete(configMaps, { namespace, name: "gone" });
  await kube.delete(configMaps, { namespace, name: "again" });
  const again = await create("again");
  const state = (objects: Iterable<typeof again>) =>
    [...objects].map(({ metadata }) => `${formatKey(metadata)} ${metadata.uid} ${metadata.resourceVersion}`).toSorted();
  const { items } = await kube.list(configMaps, { namespace });
  await waitFor("the cache to be what the server has", () => state(informer.list()).join() === state(items).join());
  process.stdout.write(
    `\nan informer after a restart of the API server: ${(performance.now() - startedAt).toFixed(0)} ms\n`,
  );
  const counts = ["Added again", "Deleted again", "Deleted gone", "Updated kept", "Added kept"].map(
    (change) => `${change} ${told.filter((one) => one === change).length}`,
  );
  expect(counts).toEqual(["Added again 2", "Deleted again 1", "Deleted gone 1", "Updated kept 1", "Added kept 1"]);
  stop.abort();
  await running;
});
