import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, it } from "vitest";
import { FaultyProxy } from "../../harness/faulty-proxy.ts";
import { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { temporaryFolder } from "../../harness/temporary-folder.ts";
import { waitFor } from "../../harness/wait.ts";
import { kubeconfigText } from "../kube/cluster.ts";

const main = join(import.meta.dirname, "../../../src/main.ts");
const { url, ca, token } = inject("cluster");
let proxy: FaultyProxy;
let namespace: string;
let kubeconfig: string;
beforeEach(async () => {
  const api = new KubernetesApi(inject("cluster"));
  namespace = await makeNamespace(api, "outage");
  await api.close();
  proxy = await FaultyProxy.start({ upstream: { url, ca } });
  kubeconfig = join(await temporaryFolder("outage"), "kubeconfig");
  await writeFile(kubeconfig, kubeconfigText(proxy.url, ca, token));
});
afterEach(() => proxy.stop());

const processes = (): [string, string[]][] => [
  ["operator", [`--namespaces=${namespace}`, `--lease-namespace=${namespace}`, "--image=i", "--trainer-image=t"]],
  ["gateway", ["--service=shop", `--namespace=${namespace}`, "--admin-port=0"]],
];

it.each(["operator", "gateway"])(
  "%s says that nobody answers, not with each try, and once that it is over",
  async (name) => {
    const outage = proxy.fault({ when: () => true, fault: { kind: "Answer", status: 503 }, times: Infinity });
    const [, args = []] = processes().find(([one]) => one === name) ?? [];
    const env = { ...process.env, KUBECONFIG: kubeconfig, POD_NAME: `${name}-0`, POD_IP: "127.0.0.1" };
    const child = spawn(process.execPath, [main, name, ...args, "--port=0"], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = once(child, "exit");
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
    const lines = (text: string) => output.split("\n").filter((line) => line.includes(text));

    await waitFor("it to be said", () => lines("does not answer").length > 0);
    expect(lines("does not answer")[0]).toContain(`the API server ${proxy.url}/ does not answer: `);
    expect(lines("does not answer")[0]).toMatch(/\(503\); is it healthy/);
    await waitFor("many tries", () => proxy.calls.length > 20);
    expect(lines("503").length).toBeLessThan(5);
    outage.remove();
    await waitFor("its end to be said", () => lines("answers again").length > 0);
    expect(lines("answers again")).toHaveLength(1);
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  },
);
