import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digest } from "../../test/integration/gateway/rig.ts";
import { decodeSafetensors, openStore, readDataset, type Store, takeTensor } from "../registry/index.ts";
import { Capture, captureFile, marksFile, segmentsName } from "./capture.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { writeInput } from "./inputs.ts";
import type { WireInput } from "./protocols/index.ts";
import { takeSnapshot } from "./snapshot.ts";
import { Upstream } from "./upstream.ts";

let root: string;
let store: Store;
let upstream: Upstream;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "evenkeel-capture-"));
  store = openStore(root);
  const timeouts = { connect: 1, headers: 1, body: 1 };
  upstream = new Upstream({ name: "pod", digest, address: "127.0.0.1", port: 1, timeouts });
});
afterEach(async () => {
  await upstream.close(0);
  await rm(root, { recursive: true, force: true });
});

const hour = 3_600_000;
const day = Date.parse("2026-01-01T00:00:00Z");
const image = (value: number): WireInput =>
  writeInput({ kind: "Image", image: { height: 2, width: 2, channels: 1, pixels: new Uint8Array(4).fill(value) } });

function capture(service = "svc") {
  const faults: unknown[] = [];
  const metrics = new GatewayMetrics("ns", service);
  const one = new Capture({
    store,
    namespace: "ns",
    service: { name: service, uid: service },
    pod: "p",
    metrics,
    onFault: (e) => faults.push(e),
  });
  const add = (inputs: readonly WireInput[], at: number, client: string | null, flagged: readonly number[] | null) =>
    one.add(
      {
        exchange: {
          pool: "stable",
          upstream,
          request: null,
          status: 200,
          answer: null,
          encoding: null,
          client,
          verdict: null,
          at,
        },
        request: { inputs, fields: {} },
        indices: [...inputs.keys()],
        scores: flagged && { score: 0, scored: inputs.length, flagged: flagged.length, which: new Set(flagged) },
      },
      "Image",
    );
  const stored = async (result: string) => {
    const { values } = await (metrics.registry.getSingleMetric("evenkeel_gateway_captured_samples_total")?.get() ?? {
      values: [],
    });
    return values.filter(({ labels }) => labels["result"] === result).reduce((sum, { value }) => sum + value, 0);
  };
  return { one, add, faults, stored };
}
const snapshot = (now: number, most = 1000) =>
  takeSnapshot({ store, namespace: "ns", service: "svc", ttlMs: hour, most }, now);

describe("Capture", () => {
  it("writes datasets with clients, times and marks, and names no client", async () => {
    const { one, add, stored } = capture();
    add([image(1), image(2)], day, "shop-7", [1]);
    add([image(1)], day + 5, null, null);
    await one.flush();
    const [uri] = await store.list(segmentsName("ns", "svc"));
    const folder = await store.resolve(uri ?? `store://x@${digest}`);
    const dataset = await readDataset(folder);
    expect(dataset).toMatchObject({ modality: "Image", shape: [2, 2, 1], count: 3 });
    expect([...dataset.inputs]).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1]);
    expect([...(dataset.times ?? [])]).toEqual([day, day, day + 5]);
    const source = (row: number) => [...dataset.sources.subarray(row * 16, row * 16 + 16)];
    expect(source(0)).toEqual(source(2));
    expect(source(0)).not.toEqual(source(1));
    const client = (row: number) => [...(dataset.clients ?? new Uint8Array(0)).subarray(row * 16, row * 16 + 16)];
    expect(client(0)).toEqual(client(1));
    expect(client(2)).toEqual(Array.from({ length: 16 }, () => 0));
    const marks = takeTensor(decodeSafetensors(await readFile(join(folder, marksFile))), "marks", "U8").data;
    expect([...marks]).toEqual([0, 1, 2]);
    expect(JSON.parse(await readFile(join(folder, captureFile), "utf8"))).toMatchObject({
      samples: 3,
      flagged: 1,
      unscored: 1,
    });
    expect(await stored("stored")).toBe(3);
    for (const file of await readdir(folder))
      expect((await readFile(join(folder, file))).includes("shop-7")).toBe(false);
  });

  it("drops and counts what is not an input, and what the store does not take", async () => {
    const { one, add, stored } = capture();
    add(["data:image/png;base64,AAAA", image(3)], day, null, null);
    await one.flush();
    expect([await stored("dropped"), await stored("stored")]).toEqual([1, 1]);
    const broken = capture("UPPER");
    broken.add([image(1)], day, null, null);
    await broken.one.flush();
    expect(await broken.stored("failed")).toBe(1);
    expect(String(broken.faults[0])).toContain("UPPER");
  });
});

describe("takeSnapshot", () => {
  it("is null without samples", async () => {
    expect(await snapshot(day)).toBeNull();
  });

  it("joins the segments within the TTL, the same ones to the same digest, and deletes what is older", async () => {
    for (const [at, value] of [
      [day, 1],
      [day + hour / 2, 2],
      [day + hour, 3],
    ] as const) {
      const { one, add } = capture();
      add([image(value)], at, "c", []);
      await one.flush();
    }
    const first = await snapshot(day + hour);
    expect(first).toMatchObject({
      samples: 3,
      from: new Date(day).toISOString(),
      to: new Date(day + hour).toISOString(),
    });
    expect(await snapshot(day + hour)).toEqual(first);
    const later = await snapshot(day + hour + 1);
    expect(later?.samples).toBe(2);
    expect(later?.uri).not.toBe(first?.uri);
    expect(await store.list(segmentsName("ns", "svc"))).toHaveLength(2);
    expect(await snapshot(day + 3 * hour)).toBeNull();
    expect(await store.list("traffic/ns/svc")).toEqual([]);
  });

  it("keeps to its bound, newest first", async () => {
    for (const at of [day, day + 1000]) {
      const { one, add } = capture();
      add([image(at === day ? 1 : 2)], at, null, null);
      await one.flush();
    }
    const newest = await snapshot(day + 2000, 1);
    expect(newest).toMatchObject({ samples: 1, to: new Date(day + 1000).toISOString() });
  });
});
