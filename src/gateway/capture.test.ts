import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { storeWith } from "../../test/harness/store-with.ts";
import { digest } from "../../test/integration/gateway/rig.ts";
import { decodeSafetensors, openStore, readDataset, readTraffic, type Store, takeTensor } from "../registry/index.ts";
import { Capture, captureFile, marksFile, segmentsName } from "./capture.ts";
import type { Snapshot } from "./fleet-state.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { writeInput } from "./inputs.ts";
import type { WireInput } from "./protocols/index.ts";
import { SnapshotTaker } from "./snapshot.ts";
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

function capture(service = "svc", into = store) {
  const faults: unknown[] = [];
  const metrics = new GatewayMetrics("ns", service);
  const one = new Capture({
    store: into,
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
          asked: { path: "/", headers: [] },
          status: 200,
          answer: null,
          encoding: null,
          client,
          verdict: null,
          documents: false,
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
const snapshot = (now: number, most = 1000, before: Snapshot = null) =>
  new SnapshotTaker({ store, namespace: "ns", service: "svc", most }).take(hour, before, now);
async function captured(at: number, ...inputs: readonly WireInput[]): Promise<void> {
  const { one, add } = capture();
  add(inputs, at, "c", []);
  await one.flush();
}

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

  it("flushes what came while the store was still writing, too, and waits for both", async () => {
    const gate = Promise.withResolvers<void>();
    const slow = storeWith(store, {
      putFiles: async (name, files) => {
        await gate.promise;
        return await store.putFiles(name, files);
      },
    });
    const { one, add, stored } = capture("svc", slow);
    const many = Array.from({ length: 256 }, (_, i) => image(i));
    add(many, day, "c", null);
    add([image(1), image(2)], day + 1, "c", null);
    const flushed = Promise.all([one.flush(), one.flush()]);
    gate.resolve();
    await flushed;
    expect(await stored("stored")).toBe(258);
    expect(await store.list(segmentsName("ns", "svc"))).toHaveLength(2);
  });
});

describe("SnapshotTaker", () => {
  it("is null without samples", async () => {
    expect(await snapshot(day)).toBeNull();
  });

  it("names the segments within the TTL, the same ones by the same digest, and deletes what is older", async () => {
    await captured(day, image(1));
    await captured(day + hour / 2, image(2));
    await captured(day + hour, image(3));
    const first = await snapshot(day + hour);
    expect(first).toMatchObject({
      samples: 3,
      from: new Date(day).toISOString(),
      to: new Date(day + hour).toISOString(),
    });
    expect(await snapshot(day + hour)).toEqual(first);
    const later = await snapshot(day + hour + 1, 1000, first);
    expect(later?.samples).toBe(2);
    expect(later?.uri).not.toBe(first?.uri);
    expect(await store.list(segmentsName("ns", "svc"))).toHaveLength(2);
    expect(await snapshot(day + 3 * hour, 1000, later)).toBeNull();
    expect(await store.list("traffic/ns/svc")).toEqual([]);
  });

  it.each([
    ["an hour, when that is less than the TTL", 30 * 24 * hour, hour],
    ["the TTL, when that is less than an hour", hour / 4, hour / 4],
    ["a minute, however short the TTL: it may be being written", 1000, 60_000],
  ])("takes away what a gateway that was killed left behind: after %s", async (_, ttlMs, keptMs) => {
    const taker = new SnapshotTaker({ store, namespace: "ns", service: "svc", most: 1000 });
    for (const name of [segmentsName("ns", "svc"), "traffic/ns/svc"]) {
      const left = join(root, name, `.tmp-${"0".repeat(16)}`);
      await mkdir(left, { recursive: true });
      await writeFile(join(left, "data.safetensors"), "what a client sent");
    }
    const left = async () => (await readdir(root, { recursive: true })).filter((path) => path.endsWith("safetensors"));
    await taker.take(ttlMs, null, Date.now() + keptMs - 30_000);
    expect(await left()).toHaveLength(2);
    await taker.take(ttlMs, null, Date.now() + keptMs + 1);
    expect(await left()).toEqual([]);
  });

  it("keeps to its bound, newest first", async () => {
    await captured(day, image(1));
    await captured(day + 1000, image(2));
    const newest = await snapshot(day + 2000, 1);
    expect(newest).toMatchObject({ samples: 1, to: new Date(day + 1000).toISOString() });
  });

  it("keeps each snapshot that was published while anything in it lives: a run may have been told to read it", async () => {
    await captured(day, image(1), image(2));
    const told = await snapshot(day);
    await captured(day + hour - 1, image(3));
    const next = await snapshot(day + hour - 1, 1000, told);
    const uri = told?.uri ?? "";
    expect((await readTraffic(store, uri)).count).toBe(2);
    await snapshot(day + hour, 1000, next);
    expect([...(await readTraffic(store, next?.uri ?? "")).inputs]).toEqual([3, 3, 3, 3, 1, 1, 1, 1, 2, 2, 2, 2]);
    await snapshot(day + hour + 1, 1000, next);
    await expect(readTraffic(store, uri)).rejects.toMatchObject({ reason: "NotFound" });
    expect((await readTraffic(store, next?.uri ?? "")).count).toBe(1);
  });

  it("is taken anew only when a fiftieth of the samples is new or gone, so that snapshots stay few and small", async () => {
    await captured(day, ...Array.from({ length: 100 }, (_, i) => image(i)));
    const first = await snapshot(day);
    const folder = await store.resolve(first?.uri ?? "");
    expect(await readdir(folder)).toEqual(["manifest.json", "snapshot.json"]);
    await captured(day + 1, image(101));
    expect(await snapshot(day + 2, 1000, first)).toEqual(first);
    await captured(day + 2, image(102));
    const second = await snapshot(day + 2, 1000, first);
    expect(second?.samples).toBe(102);
    await store.remove(second?.uri ?? "");
    expect(await snapshot(day + 2, 1000, second)).toEqual(second);
    expect(await store.list("traffic/ns/svc")).toHaveLength(2);
  });

  it("looks at ages without reading what lies there, each once, and deletes what tells none", async () => {
    await captured(day, image(1));
    await captured(day + 1, image(2));
    const [damaged = "", undescribed = ""] = await store.list(segmentsName("ns", "svc"));
    await appendFile(join(await store.resolve(damaged), "data.safetensors"), "!");
    await rm(join(await store.resolve(undescribed), captureFile));
    const verified: string[] = [];
    const peeked: string[] = [];
    const watched = storeWith(store, {
      resolve: (uri) => {
        verified.push(uri);
        return store.resolve(uri);
      },
      peek: (uri, file) => {
        peeked.push(uri);
        return store.peek(uri, file);
      },
    });
    const taker = new SnapshotTaker({ store: watched, namespace: "ns", service: "svc", most: 1000 });
    expect(await taker.take(hour, null, day)).toMatchObject({ samples: 1 });
    await taker.take(hour, null, day + 1);
    await taker.take(hour, null, day + 2);
    expect(verified).toEqual([]);
    expect(peeked.filter((uri) => uri === damaged)).toHaveLength(1);
    expect(await store.list(segmentsName("ns", "svc"))).toEqual([damaged]);
  });
});
