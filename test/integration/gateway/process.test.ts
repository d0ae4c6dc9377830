import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { gatewayReport } from "../../../src/api/index.ts";
import { Gateway } from "../../../src/gateway/index.ts";
import { configMaps } from "../../../src/kube/index.ts";
import { waitFor } from "../../harness/wait.ts";
import { Bed, digestOf, embed, service } from "./bed.ts";
import { RawClient, serve } from "./rig.ts";

let bed: Bed;
beforeAll(async () => {
  bed = await Bed.start();
});
afterAll(async () => {
  await bed.stop();
});

const reportOf = (reports: Record<string, string>) =>
  gatewayReport.parse(JSON.parse(reports["gateway-process"] ?? "null"));

const main = join(import.meta.dirname, "../../../src/main.ts");

it("runs as a process of its own, serves, ends a request under way after SIGTERM, and reports it", async () => {
  const child = spawn(
    process.execPath,
    [main, "gateway", "--service", service, "--namespace", bed.namespace, "--port", "0", "--admin-port", "0"],
    {
      env: {
        ...process.env,
        KUBECONFIG: inject("cluster").adminKubeconfig,
        POD_NAME: "gateway-process",
        POD_IP: "127.0.0.51",
        EVENKEEL_STORE: bed.root,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const exited = once(child, "exit");
  const ports = await waitFor("the ports", () => /on port (\d+), admin on (\d+)/.exec(output));
  const url = `http://127.0.0.51:${ports[1]}`;
  const gateway = {
    name: "gateway-process",
    url,
    adminUrl: `http://127.0.0.51:${ports[2]}`,
    faults: [],
    stop: async () => {},
  };
  await bed.startPod("stable-0", "127.0.0.52", bed.stable, 0, { app: "embedder" });
  await bed.configure();
  await bed.untilReported("gateway-process", bed.config.generation);
  await waitFor("an answer", async () => (await embed(gateway, [[1, 1, 1, 1, 1, 1, 1, 0]])).status === 200);

  const slow = new RawClient(Number(ports[1]), "127.0.0.51");
  slow.socket.write(
    "POST /v1/embeddings HTTP/1.1\r\nhost: x\r\nx-evenkeel-route: documents\r\ncontent-length: 29\r\n\r\n",
  );
  await once(slow.socket, "connect");
  child.kill("SIGTERM");
  await waitFor("readiness to end", async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 503);
  slow.socket.write('{"input":[1,1,1,1,1,1,1,0.0]}');
  await waitFor("the answer", () => slow.text.includes("embedding"));
  expect(slow.text.toLowerCase()).toContain("connection: close");
  expect(await exited).toEqual([0, null]);
  const { documents } = reportOf(await bed.reports());
  expect(documents?.versions).toMatchObject([{ digest: digestOf(bed.stable), count: 1 }]);
  slow.socket.destroy();
});

it("ends when its port is taken, and says which", async () => {
  const taken = await serve(() => {});
  const args = ["gateway", "--service", service, "--namespace", bed.namespace, "--admin-port", "0"];
  const child = spawn(process.execPath, [main, ...args, "--port", String(taken.port)], {
    env: { ...process.env, KUBECONFIG: inject("cluster").adminKubeconfig, POD_IP: "127.0.0.1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  expect(await once(child, "exit")).toEqual([1, null]);
  expect(output).toBe(`evenkeel: --port ${taken.port}: it is taken: choose another, or 0 for any free one\n`);
  await taken.close();
});

it("says that there is no such service, and when there is", async () => {
  const news: string[] = [];
  const stopped = new AbortController();
  const gateway = new Gateway({
    kube: bed.kube,
    namespace: bed.namespace,
    service: "nope",
    pod: "gateway-nope",
    host: "127.0.0.53",
    port: 0,
    adminPort: 0,
    tls: null,
    store: null,
    traffic: null,
    drainMs: 0,
    onFault: () => {},
    onNews: (message) => news.push(message),
  });
  const { adminPort } = await gateway.listen();
  const running = gateway.run(stopped.signal);
  const why = `no ConfigMap nope-gateway in ${bed.namespace}: is there such a service?`;
  await waitFor("the news", () => news.length === 1);
  const unready = await fetch(`http://127.0.0.53:${adminPort}/readyz`);
  expect({ status: unready.status, text: await unready.text() }).toEqual({ status: 503, text: `${why}\n` });
  const config = { ...bed.config, service: { ...bed.config.service, name: "nope" } };
  const data = { "gateway.json": JSON.stringify(config) };
  await bed.kube.create(configMaps, { metadata: { name: "nope-gateway", namespace: bed.namespace }, data });
  await waitFor("the news", () => news.length === 2);
  expect(news).toEqual([why, `the configuration of ${bed.namespace}/nope is there now`]);
  stopped.abort();
  await running;
});

it("does not start on a certificate that it cannot show, and says which file", async () => {
  const args = ["gateway", "--service", service, "--namespace", bed.namespace, "--tls", bed.root];
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  expect(await once(child, "exit")).toEqual([2, null]);
  expect(output).toBe(`evenkeel: --tls ${bed.root}: tls.crt is not there\n`);
});
