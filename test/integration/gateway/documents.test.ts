import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { embeddingServiceStatus, gatewayReport, type StoreUri } from "../../../src/api/index.ts";
import { seededRandom } from "../../../src/monitor/index.ts";
import { countDocuments } from "../../../src/operator/documents.ts";
import { waitFor } from "../../harness/wait.ts";
import { Bed, digestOf, embed, metric, type RunningGateway } from "./bed.ts";
import { crafted, putBundle, sampleInput } from "./model.ts";

const random = seededRandom(7);
const inputs = (count: number) => Array.from({ length: count }, () => sampleInput(random));
const toIndex = { "x-evenkeel-route": "documents" };
let bed: Bed;
let first: RunningGateway;
let second: RunningGateway;
let next: StoreUri;

beforeAll(async () => {
  bed = await Bed.start();
  next = await putBundle(bed.store, 0.05);
  first = await bed.startGateway("products-gateway-a", "127.0.0.61");
  second = await bed.startGateway("products-gateway-b", "127.0.0.62");
  await bed.startPod("stable-0", "127.0.0.63", bed.stable, 0, { app: "embedder" });
  await bed.startPod("next-0", "127.0.0.64", next, 0.05, { app: "next" }, "next");
  await bed.configure();
  for (const gateway of [first, second]) {
    await waitFor(`an answer of ${gateway.name}`, async () => (await embed(gateway, inputs(1))).status === 200);
  }
});
afterAll(async () => {
  await bed.stop();
});

const reports = async () =>
  Object.entries(await bed.reports()).map(([name, text]) => ({
    name,
    exists: true,
    report: gatewayReport.parse(JSON.parse(text)),
  }));

/** What the operator makes of the reports, from nothing. */
async function counted(active: StoreUri) {
  const activeVersion = { name: "active", digest: digestOf(active), uri: active };
  const { documents } = countDocuments(embeddingServiceStatus.parse({ activeVersion }), await reports(), Date.now());
  return Object.fromEntries(documents.map(({ digest, count, uncounted }) => [digest, { count, uncounted }]));
}

/** A configuration that changes nothing but its number, so that gateways report. */
async function untilCounted(active: StoreUri, expected: object): Promise<void> {
  await waitFor("the counts", async () => {
    await bed.configure();
    return JSON.stringify(await counted(active)) === JSON.stringify(expected);
  });
}

describe("documents", () => {
  it("are counted by gateway and model: inputs, not requests, and no queries", async () => {
    const from = Date.now();
    for (const count of [1, 40, 3]) expect((await embed(first, inputs(count), toIndex)).status).toBe(200);
    await embed(second, inputs(6), toIndex);
    for (const gateway of [first, second]) await embed(gateway, inputs(20));
    await embed(first, inputs(20), { "x-evenkeel-route": "queries" });
    await untilCounted(bed.stable, { [digestOf(bed.stable)]: { count: 50, uncounted: 0 } });
    expect(await metric(first, "evenkeel_gateway_documents_total", { model: digestOf(bed.stable) })).toBe(44);
    for (const { report } of await reports()) {
      for (const { first: earliest, last } of report.documents?.versions ?? []) {
        expect(Date.parse(earliest)).toBeGreaterThanOrEqual(from);
        expect(Date.parse(last)).toBeLessThanOrEqual(Date.now());
      }
    }
  });

  it("that protection withholds from the client are not in its index", async () => {
    await bed.configure({ protection: { ...bed.config.protection, active: true, mode: "Block" } });
    expect((await embed(first, [crafted(sampleInput(random))], toIndex)).status).toBe(422);
    expect((await embed(first, inputs(2), toIndex)).status).toBe(200);
    await bed.configure({ protection: { ...bed.config.protection, active: false } });
    await untilCounted(bed.stable, { [digestOf(bed.stable)]: { count: 52, uncounted: 0 } });
  });

  it("go to the stable model while a candidate answers queries, and to the next one once it is promoted", async () => {
    const candidate = {
      digest: digestOf(next),
      uri: next,
      selector: "app=next",
      deployment: "next",
      weight: 100,
      mirror: false,
      documents: false,
    };
    await bed.configure({ routing: { ...bed.config.routing, candidate } });
    await waitFor("the candidate to answer", async () => (await embed(first, inputs(1))).model === digestOf(next));
    expect((await embed(first, inputs(4), toIndex)).model).toBe(digestOf(bed.stable));
    const stable = { digest: digestOf(next), uri: next };
    await bed.configure({
      routing: { ...bed.config.routing, stable, candidate: null },
      selector: "app=next",
      deployment: "next",
    });
    await waitFor("the next one to be stable", async () => (await embed(first, inputs(1))).model === digestOf(next));
    expect((await embed(first, inputs(7), toIndex)).model).toBe(digestOf(next));
    await untilCounted(next, {
      [digestOf(bed.stable)]: { count: 56, uncounted: 0 },
      [digestOf(next)]: { count: 7, uncounted: 0 },
    });
  });

  it("are counted on from the last report when a gateway's process is another one", async () => {
    await first.stop();
    await bed.deletePod(first.name);
    first = await bed.startGateway(first.name, "127.0.0.61");
    await waitFor("an answer", async () => (await embed(first, inputs(1))).status === 200);
    expect((await embed(first, inputs(8), toIndex)).status).toBe(200);
    await untilCounted(next, {
      [digestOf(bed.stable)]: { count: 56, uncounted: 0 },
      [digestOf(next)]: { count: 15, uncounted: 0 },
    });
  });

  it("that were just embedded are in the report that a stopped gateway leaves", async () => {
    await waitFor("an answer", async () => (await embed(second, inputs(1))).model === digestOf(next));
    await embed(second, inputs(5), toIndex);
    await second.stop();
    expect((await counted(next))[digestOf(next)]).toEqual({ count: 20, uncounted: 0 });
  });
});
