import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gatewayReport } from "../../../src/api/index.ts";
import { type Kube, leases } from "../../../src/kube/index.ts";
import { seededRandom } from "../../../src/monitor/index.ts";
import { recordedAttacks } from "../../../src/registry/index.ts";
import type { FaultyProxy } from "../../harness/faulty-proxy.ts";
import { freePorts } from "../../harness/ports.ts";
import { waitFor } from "../../harness/wait.ts";
import { connectShared, startProxy } from "../kube/cluster.ts";
import { Bed, digestOf, embed, metric, type RunningGateway, service } from "./bed.ts";
import { crafted, sampleInput } from "./model.ts";

const random = seededRandom(6);
const sample = () => sampleInput(random);
let bed: Bed;
let first: RunningGateway;
let second: RunningGateway;
let proxy: FaultyProxy;
let throughProxy: Kube;

beforeAll(async () => {
  bed = await Bed.start();
  const [adminPort = 0] = await freePorts(1);
  proxy = await startProxy();
  throughProxy = await connectShared(proxy, { timeoutMs: 2000 });
  first = await bed.startGateway("products-gateway-a", "127.0.0.41", { adminPort });
  await waitFor("the first to lead", async () => (await holder())?.startsWith(first.name));
  second = await bed.startGateway("products-gateway-b", "127.0.0.42", { adminPort, kube: throughProxy });
  await bed.startPod("stable-0", "127.0.0.43", bed.stable, 0, { app: "embedder" });
  const { dataset } = bed.config;
  await bed.configure({ dataset: { ...dataset, traffic: { ...dataset.traffic, capture: "On" } } });
  for (const gateway of [first, second]) {
    await waitFor(`an answer of ${gateway.name}`, async () => (await embed(gateway, [sample()])).status === 200);
  }
});
afterAll(async () => {
  await bed.stop();
  await throughProxy.close();
  await proxy.stop();
});

async function holder(): Promise<string | undefined> {
  const lease = await bed.kube.get(leases, { namespace: bed.namespace, name: `${service}-gateway` });
  return lease?.spec?.holderIdentity;
}

/** What each gateway has reported last; a report stays when its gateway has gone. */
async function readiness(): Promise<[string, boolean][]> {
  return Object.entries(await bed.reports()).map(([name, text]) => [name, gatewayReport.parse(JSON.parse(text)).ready]);
}

describe("two gateways", () => {
  it("one steps the statistics of both: vectors that only the other saw are bet on", async () => {
    await waitFor("a bet", async () => {
      await embed(second, Array.from({ length: 64 }, sample));
      return ((await metric(first, "evenkeel_monitor_blocks_total", { result: "bet" })) ?? 0) > 0;
    });
    expect(await metric(second, "evenkeel_monitor_alarm", { signal: "RepresentationDrift" })).toBeNull();
    expect(await metric(first, "evenkeel_monitor_alarm", { signal: "RepresentationDrift" })).toBe(0);
  });

  it("the other takes over where the first left off", async () => {
    await waitFor("the alarm", async () => {
      await embed(
        second,
        Array.from({ length: 64 }, () => crafted(sample())),
      );
      return (await bed.state())?.alarms["AdversarialAnomaly"]?.active;
    });
    const attacks = () => recordedAttacks(bed.traffic, `traffic/${bed.namespace}/${service}`);
    const [attack] = await waitFor("the record of the attack", async () => {
      const windows = await attacks();
      return windows.length > 0 ? windows : null;
    });
    expect(attack).toEqual({ from: expect.any(Number), to: null });
    const evidence = await waitFor("the evidence of its alarm", async () => {
      const uris = await bed.store.list(`alarms/${bed.namespace}/${service}`);
      const all = await Promise.all(uris.map((uri) => bed.store.peek(uri, "alarm.json")));
      return all.map(String).find((text) => text.includes("AdversarialAnomaly"));
    });
    expect(JSON.parse(evidence)).toMatchObject({
      model: digestOf(bed.stable),
      raised: expect.arrayContaining([{ signal: "AdversarialAnomaly", number: 1 }]),
    });
    const before = await bed.state();
    await first.stop();
    expect(await readiness()).toEqual([
      [first.name, false],
      [second.name, true],
    ]);
    const after = await waitFor("the next block", async () => {
      const state = await bed.state();
      return state && state.block > (before?.block ?? 0) + 1 && (await holder())?.startsWith(second.name)
        ? state
        : null;
    });
    expect(after.alarms["AdversarialAnomaly"]).toEqual(before?.alarms["AdversarialAnomaly"]);
    expect(after.reference).toBe(before?.reference);
    expect(before?.["noise"]).toHaveProperty([digestOf(bed.stable)]);
    expect(after["noise"]).toEqual(before?.["noise"]);
    expect((await attacks())[0]?.from).toBe(attack?.from);
    await waitFor(
      "its metrics",
      async () => (await metric(second, "evenkeel_monitor_alarm", { signal: "AdversarialAnomaly" })) === 1,
    );
  });

  it("keeps its routing and its pods while the API server is away, and comes back by itself", async () => {
    const rule = proxy.fault({ when: () => true, fault: { kind: "Answer", status: 500 }, times: Infinity });
    proxy.cutAll();
    await waitFor("a fault", () => second.faults.length > 0);
    for (let i = 0; i < 20; i++) expect((await embed(second, [sample()])).status).toBe(200);
    expect((await request(`${second.adminUrl}/readyz`)).statusCode).toBe(200);
    await waitFor(
      "the term to end",
      async () => (await metric(second, "evenkeel_monitor_alarm", { signal: "AdversarialAnomaly" })) === null,
    );
    rule.remove();
    const before = (await bed.state())?.block ?? 0;
    await waitFor("the next block", async () => ((await bed.state())?.block ?? 0) > before);
    await bed.configure();
  });
});
