import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GatewayConfig, StoreUri } from "../../../src/api/index.ts";
import { segmentsName } from "../../../src/gateway/capture.ts";
import { seededRandom } from "../../../src/monitor/index.ts";
import { readDataset } from "../../../src/registry/index.ts";
import { waitFor } from "../../harness/wait.ts";
import { evenkeel } from "../people/evenkeel.ts";
import { Bed, digestOf, embed as embedThrough, metric as metricOf, type RunningGateway, service } from "./bed.ts";
import { crafted, putBundle, sampleInput } from "./model.ts";

const random = seededRandom(5);
let bed: Bed;
let gateway: RunningGateway;
let stable: StoreUri;
let candidate: StoreUri;

beforeAll(async () => {
  bed = await Bed.start();
  ({ stable } = bed);
  candidate = await putBundle(bed.store, 0.05);
  gateway = await bed.startGateway("products-gateway-0", "127.0.0.20");
});
afterAll(async () => {
  await bed.stop();
});

const embed = (inputs: readonly (readonly number[])[], headers?: Record<string, string>) =>
  embedThrough(gateway, inputs, headers);
const metric = (name: string, labels?: Record<string, string>) => metricOf(gateway, name, labels);
const state = () => bed.state();
const configure = (change: Partial<GatewayConfig> = {}) => bed.configure(change);

const sample = () => sampleInput(random);
const modelOf = (answer: { model: unknown }) => answer.model;

describe("a gateway on a real API server", () => {
  it("is not ready and answers 503 before it has a configuration", async () => {
    expect((await request(`${gateway.adminUrl}/readyz`)).statusCode).toBe(503);
    expect((await request(`${gateway.adminUrl}/healthz`)).statusCode).toBe(200);
    const answer = await embed([sample()]);
    expect(answer.status).toBe(503);
    expect(answer.body.detail).toBe("the gateway has no configuration yet");
  });

  it("gives no traffic to a pod that has the workload's labels and its vectors, and is not of its Deployment", async () => {
    await configure();
    await bed.startPod("stray", "127.0.0.24", stable, 0, { app: "embedder" }, null);
    const stray = await waitFor("the reason", async () => {
      const { status, body } = await embed([sample()]);
      return body.detail?.includes("stray") ? { status, detail: body.detail } : null;
    });
    expect(stray.status).toBe(503);
    expect(stray.detail).toMatch(/^of 0 pods .*; not of its Deployment: stray$/);
  });

  it("takes its configuration, finds the pods, and gives traffic only to those that match their probes", async () => {
    await bed.startPod("stable-0", "127.0.0.21", stable, 0, { app: "embedder" }, "embedder", 5000);
    await bed.startPod("impostor", "127.0.0.22", stable, 0.4, { app: "embedder" });
    await waitFor("an answer", async () => (await embed([sample()])).status === 200);
    await waitFor("both to be probed", async () => (await metric("evenkeel_gateway_probed_pods")) === 2);
    expect(await metric("evenkeel_gateway_ready_pods", { pool: "stable" })).toBe(1);
    expect(await metric("evenkeel_gateway_probe_matched_pods")).toBe(1);
    expect(modelOf(await embed([sample()]))).toBe(digestOf(stable));
    expect((await request(`${gateway.adminUrl}/readyz`)).statusCode).toBe(200);
  });

  it("says ModelChanged, and takes it back when the pod has gone", async () => {
    await waitFor("the alarm", async () => (await state())?.alarms["ModelChanged"]?.active);
    expect(await metric("evenkeel_monitor_alarm", { signal: "ModelChanged" })).toBe(1);
    await bed.deletePod("impostor");
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
        ...bed.config.routing,
        candidate: {
          digest: digestOf(candidate),
          uri: candidate,
          selector: "app=embedder-candidate",
          deployment: "embedder-candidate",
          weight: 0,
          mirror: true,
          documents: false,
        },
      },
    });
    await bed.startPod("candidate-0", "127.0.0.23", candidate, 0.05, labels, "embedder-candidate", 50);
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
    const refused = () => metric("evenkeel_gateway_mirrored_requests_total", { result: "refused" });
    expect(await refused()).toBe(0);
    expect((await embed([sample().map((value) => 100 * value)])).status).toBe(200);
    await waitFor("its refusal", async () => (await refused()) === 1);
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
          ...bed.config.routing,
          candidate: bed.config.routing.candidate && { ...bed.config.routing.candidate, weight, mirror: false },
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

  it("tells a candidate's own refusal from one of a request that no model can answer", async () => {
    const refused = (result: string) => metric("evenkeel_gateway_refused_requests_total", { result });
    expect(await refused("alone")).toBe(0);
    const untilSaid = (result: string, scale: number) =>
      waitFor(`stable to say ${result}`, async () => {
        expect((await embed([sample().map((value) => scale * value)])).status).toBe(400);
        return ((await refused(result)) ?? 0) > 0;
      });
    await untilSaid("alone", 100);
    await untilSaid("both", 1e6);
    expect(await refused("unclear")).toBe(0);
  });

  it("falls back to stable when the candidate's pods have gone", async () => {
    await bed.deletePod("candidate-0");
    await waitFor("stable to answer", async () => modelOf(await embed([sample()])) === digestOf(stable));
    expect(bed.config.routing.candidate?.weight).toBe(100);
    await configure({ routing: { ...bed.config.routing, candidate: null } });
  });

  it("tags, then blocks crafted inputs while protection is on, and lets the others pass", async () => {
    await configure({ protection: { ...bed.config.protection, active: true, mode: "Tag" } });
    const tagged = await embed([crafted(sample())]);
    expect(tagged.status).toBe(200);
    expect(Number(tagged.headers["x-evenkeel-anomaly"])).toBeGreaterThan(0.5);
    const clean = await embed([sample()]);
    expect(clean.headers).not.toHaveProperty("x-evenkeel-anomaly");
    await configure({ protection: { ...bed.config.protection, active: true, mode: "Block" } });
    const blocked = await embed([sample(), crafted(sample())]);
    expect(blocked.status).toBe(422);
    expect(blocked.headers["content-type"]).toBe("application/problem+json");
    expect((await embed([sample()])).status).toBe(200);
    const beyond = await embed(Array.from({ length: 1000 }, () => crafted(sample())));
    expect(beyond.status).toBe(200);
    expect(await metric("evenkeel_gateway_protected_requests_total", { action: "blocked" })).toBe(1);
    expect(await metric("evenkeel_gateway_protected_requests_total", { action: "tagged" })).toBe(1);
    expect(await metric("evenkeel_gateway_protected_requests_total", { action: "unscored" })).toBe(1);
    await configure({ protection: { ...bed.config.protection, active: false } });
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

  it("keeps what its alarms were raised from, enough for anyone to compute them again", async () => {
    const args = ["audit", "evidence", `${bed.namespace}/${service}`, "--store", bed.root, "-o", "json"];
    const { code, out, err } = await evenkeel("", args);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const { alarms } = JSON.parse(out);
    expect(alarms).toContainEqual(expect.objectContaining({ signal: "ModelChanged", number: 1, verdict: "Agrees" }));
  });

  it("keeps what it has when the configuration cannot be read", async () => {
    await bed.writeConfig("{");
    await waitFor("the fault", () =>
      gateway.faults.some((fault) => String(fault).includes("gateway.json cannot be read")),
    );
    expect((await embed([sample()])).status).toBe(200);
    await configure();
  });

  it("captures into the store of traffic and publishes a snapshot, pinned by digest", async () => {
    await configure({
      dataset: { ...bed.config.dataset, traffic: { capture: "On", sample: 1, ttl: "1h", clientKey: "x-client" } },
    });
    const snapshot = await waitFor("the snapshot", async () => {
      await embed([sample()], { "x-client": "shop-1" });
      return (await state())?.snapshot;
    });
    expect(snapshot.samples).toBeGreaterThan(0);
    expect(await bed.traffic.resolve(snapshot.uri)).toContain(`traffic/${bed.namespace}/${service}/sha256-`);
  });

  it("keeps what it captured before capture is switched off", async () => {
    const odd = [...sample().slice(1), 0.7071];
    const scored = () => metric("evenkeel_monitor_consistency_scored_total");
    const before = (await scored()) ?? 0;
    await embed([odd], { "x-client": "shop-1" });
    await waitFor("its score", async () => ((await scored()) ?? 0) > before);
    await configure({ dataset: { ...bed.config.dataset, traffic: { ...bed.config.dataset.traffic, capture: "Off" } } });
    const found = await waitFor("it to be in the store", async () => {
      const segments = await bed.traffic.list(segmentsName(bed.namespace, service));
      const datasets = await Promise.all(
        segments.map(async (uri) => await readDataset(await bed.traffic.resolve(uri))),
      );
      return datasets.find(({ inputs }) => inputs.includes(Math.fround(0.7071)));
    });
    expect(found.clients).not.toBeNull();
  });

  it.each([
    ["blocks", { block: "2s" }],
    ["probes", { canaries: { count: 4, every: "2s" } }],
  ])("answers every request while the %s change, and goes on watching", async (_, change) => {
    const statuses = new Set<number>();
    const done = new AbortController();
    const load = async () => {
      while (!done.signal.aborted) statuses.add((await embed(Array.from({ length: 10 }, sample))).status);
    };
    const under = [load(), load()];
    const bets = () => metric("evenkeel_monitor_blocks_total", { result: "bet" });
    await configure({ monitoring: { ...bed.config.monitoring, ...change } });
    const before = (await bets()) ?? 0;
    await waitFor("bets", async () => ((await bets()) ?? 0) > before + 2);
    done.abort();
    await Promise.all(under);
    expect([...statuses]).toEqual([200]);
  });
});
