import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type GatewayConfig,
  gatewayConfig,
  gatewayReport,
  monitorState,
  type StoreUri,
} from "../../../src/api/index.ts";
import { Gateway } from "../../../src/gateway/index.ts";
import { digestOf } from "../../../src/gateway/pod-identity.ts";
import { configMaps, type Kube, namespaces, pods } from "../../../src/kube/index.ts";
import { seededRandom } from "../../../src/monitor/index.ts";
import { openStore, type Store } from "../../../src/registry/index.ts";
import { freePorts } from "../../harness/ports.ts";
import { waitFor } from "../../harness/wait.ts";
import { connectShared, freshNamespace } from "../kube/cluster.ts";
import { crafted, putBundle, sampleInput, serveModel } from "./model.ts";
import type { TestServer } from "./rig.ts";

const service = "products";
const random = seededRandom(5);
const stopped = new AbortController();
const servers: TestServer[] = [];
const faults: unknown[] = [];
let kube: Kube;
let namespace: string;
let root: string;
let store: Store;
let podPort: number;
let stable: StoreUri;
let candidate: StoreUri;
let running: Promise<void>;
let url: string;
let adminUrl: string;
let config: GatewayConfig;

beforeAll(async () => {
  kube = await connectShared();
  namespace = await freshNamespace(kube, "gateway");
  root = await mkdtemp(join(tmpdir(), "evenkeel-gateway-"));
  store = openStore(root);
  [podPort = 0] = await freePorts(1);
  stable = await putBundle(store, 0);
  candidate = await putBundle(store, 0.05);
  for (const name of ["gateway-reports", "gateway-state"]) {
    await kube.create(configMaps, { metadata: { name: `${service}-${name}`, namespace } });
  }
  config = gatewayConfig.parse({
    generation: 1,
    service: { name: service, namespace, uid: "4711" },
    selector: { app: "embedder" },
    port: podPort,
    protocol: "OpenAI",
    modality: "Vector",
    model: { container: "embedder", env: "MODEL_URI" },
    routing: {
      salt: "s",
      stickyHeader: "x-user",
      stable: { digest: digestOf(stable), uri: stable },
      candidate: null,
    },
    protection: { active: false, mode: "Observe", maxDelay: 2000, maxBytes: 100_000 },
    monitoring: {
      block: "1s",
      minVectors: 30,
      canaries: { count: 8, every: "1s" },
      consistency: { sample: 1, squeezers: ["Quantise"] },
    },
    dataset: { reference: stable, traffic: {} },
    baseline: { digest: digestOf(stable), uri: stable },
  });
  const gateway = new Gateway({
    kube,
    namespace,
    service,
    pod: "products-gateway-0",
    host: "127.0.0.1",
    port: 0,
    adminPort: 0,
    store: root,
    leaseMs: 3000,
    drainMs: 0,
    onFault: (error) => faults.push(error),
  });
  const ports = await gateway.listen();
  url = `http://127.0.0.1:${ports.port}`;
  adminUrl = `http://127.0.0.1:${ports.adminPort}`;
  running = gateway.run(stopped.signal);
});

afterAll(async () => {
  stopped.abort();
  await running;
  for (const server of servers) await server.close();
  await kube.delete(namespaces, { name: namespace });
  await kube.close();
  await rm(root, { recursive: true, force: true });
});

/** A pod of the API server whose address is a server of this process. */
async function startPod(name: string, host: string, uri: string, angle: number, labels: Record<string, string>) {
  servers.push(await serveModel(angle, { host, port: podPort }));
  await kube.create(pods, {
    metadata: { name, namespace, labels },
    spec: {
      nodeSelector: { nowhere: "true" },
      containers: [{ name: "embedder", image: "embedder", env: [{ name: "MODEL_URI", value: uri }] }],
    },
  });
  const at = new Date().toISOString();
  await kube.patchStatus(
    pods,
    { namespace, name },
    {
      status: {
        phase: "Running",
        podIP: host,
        podIPs: [{ ip: host }],
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: at }],
      },
    },
  );
}

async function configure(change: Partial<GatewayConfig>): Promise<void> {
  config = { ...config, ...change, generation: config.generation + 1 };
  const data = { "gateway.json": JSON.stringify(config) };
  await kube.apply(configMaps, { metadata: { name: `${service}-gateway`, namespace }, data }, { fieldManager: "test" });
  await waitFor(`generation ${config.generation} to be reported`, async () => {
    const reports = await kube.get(configMaps, { namespace, name: `${service}-gateway-reports` });
    const text = reports?.data?.["products-gateway-0"];
    return text && gatewayReport.parse(JSON.parse(text)).generation === config.generation;
  });
}

async function embed(inputs: readonly (readonly number[])[], headers: Record<string, string> = {}) {
  const answer = await request(`${url}/v1/embeddings`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ input: inputs, model: "m" }),
  });
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: problem.parse(await answer.body.json()),
  };
}

async function metric(name: string, labels: Record<string, string> = {}): Promise<number | null> {
  const text = await (await request(`${adminUrl}/metrics`)).body.text();
  const line = text
    .split("\n")
    .find(
      (one) =>
        one.startsWith(`${name}{`) && Object.entries(labels).every(([key, value]) => one.includes(`${key}="${value}"`)),
    );
  return line ? Number(line.split(" ").at(-1)) : null;
}

async function state(): Promise<{ block: number; alarms: Record<string, { number: number; active: boolean }> } | null> {
  const map = await kube.get(configMaps, { namespace, name: `${service}-gateway-state` });
  const text = map?.data?.["state.json"];
  return text ? JSON.parse(text) : null;
}

const problem = z.looseObject({ detail: z.string().optional() });
const sample = () => sampleInput(random);
const modelOf = (answer: { headers: Record<string, unknown> }) => answer.headers["x-evenkeel-model"];

describe("a gateway on a real API server", () => {
  it("is not ready and answers 503 before it has a configuration", async () => {
    expect((await request(`${adminUrl}/readyz`)).statusCode).toBe(503);
    expect((await request(`${adminUrl}/healthz`)).statusCode).toBe(200);
    const answer = await embed([sample()]);
    expect(answer.status).toBe(503);
    expect(answer.body.detail).toBe("the gateway has no configuration yet");
  });

  it("takes its configuration, finds the pods, and gives traffic only to those that match their probes", async () => {
    await configure({});
    await startPod("stable-0", "127.0.0.21", stable, 0, { app: "embedder" });
    await startPod("impostor", "127.0.0.22", stable, 0.4, { app: "embedder" });
    await waitFor("an answer", async () => (await embed([sample()])).status === 200);
    await waitFor("both to be probed", async () => (await metric("evenkeel_gateway_probed_pods")) === 2);
    expect(await metric("evenkeel_gateway_ready_pods", { pool: "stable" })).toBe(1);
    expect(await metric("evenkeel_gateway_probe_matched_pods")).toBe(1);
    expect(modelOf(await embed([sample()]))).toBe(digestOf(stable));
    expect((await request(`${adminUrl}/readyz`)).statusCode).toBe(200);
  });

  it("says ModelChanged, and takes it back when the pod has gone", async () => {
    await waitFor("the alarm", async () => (await state())?.alarms["ModelChanged"]?.active);
    expect(await metric("evenkeel_monitor_alarm", { signal: "ModelChanged" })).toBe(1);
    await kube.delete(pods, { namespace, name: "impostor" }, { gracePeriodSeconds: 0 });
    await waitFor("its release", async () => (await state())?.alarms["ModelChanged"]?.active === false);
    expect((await state())?.alarms["ModelChanged"]?.number).toBe(1);
  });

  it("keeps statistics of blocks, and bets on them", async () => {
    const before = (await metric("evenkeel_monitor_blocks_total", { result: "bet" })) ?? 0;
    await waitFor("a bet", async () => {
      await embed(Array.from({ length: 40 }, sample));
      return ((await metric("evenkeel_monitor_blocks_total", { result: "bet" })) ?? 0) > before;
    });
    expect(await metric("evenkeel_monitor_learning", { signal: "RepresentationDrift" })).toBe(0);
    expect(await metric("evenkeel_monitor_learning", { signal: "AdversarialAnomaly" })).toBe(0);
    expect(await metric("evenkeel_monitor_alarm", { signal: "AdversarialAnomaly" })).toBe(0);
  });

  it("mirrors: the candidate is compared, and no client hears from it", async () => {
    const labels = { app: "embedder-candidate" };
    await configure({
      routing: {
        ...config.routing,
        candidate: { digest: digestOf(candidate), uri: candidate, selector: labels, weight: 0, mirror: true },
      },
    });
    await startPod("candidate-0", "127.0.0.23", candidate, 0.05, labels);
    await waitFor(
      "the candidate's pod",
      async () => (await metric("evenkeel_gateway_ready_pods", { pool: "candidate" })) === 1,
    );
    for (let i = 0; i < 5; i++) expect(modelOf(await embed([sample()]))).toBe(digestOf(stable));
    await waitFor("the comparison", async () => ((await metric("evenkeel_gateway_mirror_cosine_count")) ?? 0) >= 5);
    const [sum, count] = [
      await metric("evenkeel_gateway_mirror_cosine_sum"),
      await metric("evenkeel_gateway_mirror_cosine_count"),
    ];
    expect((sum ?? 0) / (count ?? 1)).toBeGreaterThan(0.99);
    expect((sum ?? 0) / (count ?? 1)).toBeLessThan(1);
  });

  it("splits by weight, sticks to the key, never moves a key back, and keeps documents on stable", async () => {
    const users = Array.from({ length: 60 }, (_, i) => `user-${i}`);
    const onCandidate = async (): Promise<Set<string>> => {
      const found = new Set<string>();
      for (const user of users) {
        const model = modelOf(await embed([sample()], { "x-user": user }));
        if (model === digestOf(candidate)) found.add(user);
        expect(modelOf(await embed([sample()], { "x-user": user }))).toBe(model);
        const documents = await embed([sample()], { "x-user": user, "x-evenkeel-route": "documents" });
        expect(modelOf(documents)).toBe(digestOf(stable));
      }
      return found;
    };
    const weigh = (weight: number) =>
      configure({
        routing: {
          ...config.routing,
          candidate: config.routing.candidate && { ...config.routing.candidate, weight, mirror: false },
        },
      });
    await weigh(25);
    const few = await onCandidate();
    await weigh(60);
    const many = await onCandidate();
    expect(few.size).toBeGreaterThan(0);
    expect(many.size).toBeGreaterThan(few.size);
    expect([...few].filter((user) => !many.has(user))).toEqual([]);
    await weigh(100);
    expect((await onCandidate()).size).toBe(users.length);
  });

  it("falls back to stable when the candidate's pods have gone", async () => {
    await kube.delete(pods, { namespace, name: "candidate-0" }, { gracePeriodSeconds: 0 });
    await waitFor("stable to answer", async () => modelOf(await embed([sample()])) === digestOf(stable));
    await configure({ routing: { ...config.routing, candidate: null } });
  });

  it("tags, then blocks crafted inputs while protection is on, and lets the others pass", async () => {
    await configure({ protection: { ...config.protection, active: true, mode: "Tag" } });
    const tagged = await embed([crafted(sample())]);
    expect(tagged.status).toBe(200);
    expect(Number(tagged.headers["x-evenkeel-anomaly"])).toBeGreaterThan(0.5);
    const clean = await embed([sample()]);
    expect(clean.headers).not.toHaveProperty("x-evenkeel-anomaly");
    await configure({ protection: { ...config.protection, active: true, mode: "Block" } });
    const blocked = await embed([sample(), crafted(sample())]);
    expect(blocked.status).toBe(422);
    expect(blocked.headers["content-type"]).toBe("application/problem+json");
    expect((await embed([sample()])).status).toBe(200);
    const beyond = await embed(Array.from({ length: 1000 }, () => crafted(sample())));
    expect(beyond.status).toBe(200);
    expect(await metric("evenkeel_gateway_protected_requests_total", { action: "blocked" })).toBe(1);
    expect(await metric("evenkeel_gateway_protected_requests_total", { action: "tagged" })).toBe(1);
    expect(await metric("evenkeel_gateway_protected_requests_total", { action: "unscored" })).toBe(1);
    await configure({ protection: { ...config.protection, active: false } });
  });

  it("raises AdversarialAnomaly when crafted inputs come, under a number that is kept", async () => {
    await waitFor("the alarm", async () => {
      await embed(Array.from({ length: 30 }, () => crafted(sample())));
      return (await state())?.alarms["AdversarialAnomaly"]?.active;
    });
    expect((await state())?.alarms["AdversarialAnomaly"]).toEqual({ number: 1, active: true });
    await waitFor(
      "the metric",
      async () => (await metric("evenkeel_monitor_alarm", { signal: "AdversarialAnomaly" })) === 1,
    );
    expect(await metric("evenkeel_monitor_flagged_share_lower_bound")).toBeGreaterThan(0.1);
  });

  it("keeps what it has when the configuration cannot be read", async () => {
    const broken = { "gateway.json": "{" };
    await kube.apply(
      configMaps,
      { metadata: { name: `${service}-gateway`, namespace }, data: broken },
      { fieldManager: "test" },
    );
    await waitFor("the fault", () => faults.some((fault) => String(fault).includes("gateway.json cannot be read")));
    expect((await embed([sample()])).status).toBe(200);
    await configure({});
  });

  it("captures into the store and publishes a snapshot, pinned by digest", async () => {
    await configure({
      dataset: { ...config.dataset, traffic: { capture: "On", sample: 1, ttl: "1h", clientKey: "x-client" } },
    });
    const snapshot = await waitFor("the snapshot", async () => {
      await embed([sample()], { "x-client": "shop-1" });
      const map = await kube.get(configMaps, { namespace, name: `${service}-gateway-state` });
      return monitorState.parse(JSON.parse(map?.data?.["state.json"] ?? "")).snapshot;
    });
    expect(snapshot.samples).toBeGreaterThan(0);
    expect(await store.resolve(snapshot.uri)).toContain(`traffic/${namespace}/${service}/sha256-`);
  });
});
