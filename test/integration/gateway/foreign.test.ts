import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoreUri } from "../../../src/api/index.ts";
import { seededRandom } from "../../../src/monitor/index.ts";
import { findPodReference } from "../../../src/registry/index.ts";
import { waitFor } from "../../harness/wait.ts";
import { Bed, digestOf, embed as embedThrough, metric as metricOf, type RunningGateway, service } from "./bed.ts";
import { putInputs, sampleInput } from "./model.ts";

/** As a hub names a model: nothing pins it, and no bundle stands behind it. */
const uri = "hub/thumbnails";
const model = { digest: digestOf(uri), uri };
const random = seededRandom(7);
let bed: Bed;
let gateway: RunningGateway;
let dataset: StoreUri;

beforeAll(async () => {
  bed = await Bed.start();
  dataset = await putInputs(bed.store, 6000);
  gateway = await bed.startGateway("products-gateway-0", "127.0.0.71");
  await bed.startPod("foreign-0", "127.0.0.72", uri, 0, { app: "embedder" });
  await bed.configure({
    routing: { ...bed.config.routing, stable: model },
    baseline: model,
    dataset: { ...bed.config.dataset, reference: dataset },
    monitoring: { ...bed.config.monitoring, falseAlarms: { atMost: 1000, per: "30d" } },
  });
});
afterAll(async () => {
  await bed.stop();
});

const samples = (shift = 0): number[][] =>
  Array.from({ length: 64 }, () => sampleInput(random).map((value, j) => (j < 3 ? value + shift : value)));
const embed = (inputs = samples()) => embedThrough(gateway, inputs);
const metric = (name: string, labels?: Record<string, string>) => metricOf(gateway, name, labels);
const signal = (name: string, of: string) => metric(`evenkeel_monitor_${name}`, { signal: of });
const artefact = () =>
  findPodReference(bed.store, {
    service: { namespace: bed.namespace, name: service },
    model: model.digest,
    dataset,
  });

/** Traffic until the condition holds. */
const underTraffic = (what: string, holds: () => Promise<boolean>, shift = 0) =>
  waitFor(
    what,
    async () => {
      await embed(samples(shift));
      return await holds();
    },
    { withinMs: 120_000, everyMs: 200 },
  );

describe("a model that brings no reference", () => {
  it("has traffic at once, and its signals leave Learning when its pods have embedded the reference dataset", async () => {
    await waitFor("an answer", async () => (await embed()).status === 200);
    await underTraffic("drift to be judged", async () => (await signal("learning", "RepresentationDrift")) === 0);
    await underTraffic(
      "a bet",
      async () => ((await metric("evenkeel_monitor_blocks_total", { result: "bet" })) ?? 0) > 0,
    );
    for (const of of ["RepresentationDrift", "ShiftFromBaseline", "AdversarialAnomaly", "ModelChanged"]) {
      expect([of, await signal("learning", of), await signal("alarm", of)]).toEqual([of, 0, 0]);
    }
    expect(await artefact()).not.toBeNull();
    await waitFor(
      "the pod to match its probes",
      async () => (await metric("evenkeel_gateway_probe_matched_pods", { pool: "stable" })) === 1,
    );
    expect(await metric("evenkeel_monitor_vectors_total", { result: "bypassed" })).toBeGreaterThan(1000);
  });

  it("raises the alarm when what is embedded has shifted", async () => {
    await underTraffic("the alarm", async () => (await signal("alarm", "RepresentationDrift")) === 1, 2);
    expect((await bed.state())?.alarms["RepresentationDrift"]).toEqual({ number: 1, active: true });
  });

  it("is not embedded again by a gateway that starts anew: it takes what is there, under the same reference", async () => {
    const before = { artefact: await artefact(), reference: (await bed.state())?.reference };
    await gateway.stop();
    gateway = await bed.startGateway("products-gateway-1", "127.0.0.73");
    await bed.untilReported(gateway.name, bed.config.generation);
    await underTraffic(
      "it to go on",
      async () =>
        (await signal("learning", "RepresentationDrift")) === 0 &&
        (await metric("evenkeel_gateway_probe_matched_pods", { pool: "stable" })) === 1,
    );
    expect({ artefact: await artefact(), reference: (await bed.state())?.reference }).toEqual(before);
    // Its probes alone.
    expect(await metric("evenkeel_monitor_vectors_total", { result: "bypassed" })).toBeLessThan(1000);
  });

  it("that is changed behind its URI is seen, and a pod with the other one gets no traffic", async () => {
    await bed.startPod("foreign-1", "127.0.0.74", uri, 0.4, { app: "embedder" });
    await underTraffic("the alarm", async () => (await signal("alarm", "ModelChanged")) === 1);
    expect(await metric("evenkeel_gateway_probe_matched_pods", { pool: "stable" })).toBe(1);
    expect(await metric("evenkeel_gateway_ready_pods", { pool: "stable" })).toBe(1);
    await bed.deletePod("foreign-0");
    await waitFor("no pod to be trusted", async () => (await embed()).status === 503);
    expect((await embed()).body.detail).toContain("1 of those do not match their probes");
  });
});
