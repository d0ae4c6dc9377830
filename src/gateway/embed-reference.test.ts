import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { embedWith, inputSize, putInputs } from "../../test/integration/gateway/model.ts";
import { answering, serve, type TestServer } from "../../test/integration/gateway/rig.ts";
import type { StoreUri } from "../api/index.ts";
import {
  findPodReference,
  openStore,
  readDataset,
  readPodReference,
  rowsOfSplit,
  type Store,
} from "../registry/index.ts";
import type { EmbedOrder } from "./embed-order.ts";
import { embedReference, spread, UnsteadyModel } from "./embed-reference.ts";

const model = { digest: `sha256:${"a".repeat(64)}`, uri: "hub/model" };
const service = { namespace: "search", name: "shop" };
const { signal } = new AbortController();
let root: string;
let store: Store;
let dataset: StoreUri;
const servers: TestServer[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "evenkeel-embed-"));
  store = openStore(root);
  dataset = await putInputs(store, 600);
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  await rm(join(root, "references"), { recursive: true, force: true });
});

/** Pods on the same port of loopback addresses, each as `angleOf` says for its nth request. */
async function pods(...angles: readonly ((request: number) => number | null)[]) {
  const seen: { sizes: number[]; most: number }[] = [];
  let port = 0;
  const found: { name: string; address: string }[] = [];
  for (const [i, angleOf] of angles.entries()) {
    const host = `127.0.0.${61 + i}`;
    const log = { sizes: [] as number[], most: 0 };
    let underWay = 0;
    const server = await serve(
      answering(async (body, _incoming, response) => {
        underWay++;
        log.most = Math.max(log.most, underWay);
        const { inputs }: { inputs: number[][] } = JSON.parse(body.toString());
        const angle = angleOf(log.sizes.length);
        log.sizes.push(inputs.length);
        await new Promise((resolve) => setImmediate(resolve));
        underWay--;
        response.writeHead(angle === null ? 503 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(angle === null ? {} : inputs.map((input) => [...embedWith(angle, input)])));
      }),
      { host, port },
    );
    servers.push(server);
    port = server.port;
    seen.push(log);
    found.push({ name: `pod-${i}`, address: host });
  }
  const order: EmbedOrder = { store: root, service, model, dataset, protocol: "TEI", port, pods: found };
  return { order, seen };
}

const key = () => ({ service, model: model.digest, dataset });

describe("embedding through pods", () => {
  it("keeps what one pod gives for the calibration split, by one request at a time", async () => {
    const { order, seen } = await pods(
      () => 0.3,
      () => 0.3,
    );
    const message = await embedReference(order, signal);
    if (message.kind !== "Embedded") throw new Error(message.why);
    const { probes, reference } = await readPodReference(await store.resolve(message.uri), key());
    const rows = rowsOfSplit(await readDataset(await store.resolve(dataset)), ["calibration"]);
    expect(reference.count).toBe(rows.length);
    expect(reference.dimension).toBe(inputSize);
    expect([...reference.live].every((one) => one === 1)).toBe(true);
    expect(reference.squeezed.get("Quantise")).toHaveLength(rows.length);
    expect(probes.count).toBe(64);
    const input = [...probes.inputs.subarray(0, inputSize)];
    expect(probes.embeddings.subarray(0, inputSize)).toEqual(embedWith(0.3, input));
    expect(seen[0]?.most).toBe(1);
    expect(Math.max(...(seen[0]?.sizes ?? []))).toBe(32);
    // The other is asked for the probes alone.
    expect(seen[1]?.sizes).toEqual([32, 32]);
  });

  it("asks nobody again for what is there", async () => {
    const { order, seen } = await pods(() => 0);
    const first = await embedReference(order, signal);
    const asked = seen[0]?.sizes.length;
    expect(await embedReference(order, signal)).toEqual({ ...first, vectors: 0 });
    expect(seen[0]?.sizes).toHaveLength(asked ?? 0);
  });

  it("goes on after an error", async () => {
    const { order } = await pods((request) => (request === 3 ? null : 0));
    expect((await embedReference(order, signal)).kind).toBe("Embedded");
  });

  it.each([
    ["a model that changes meanwhile", [(request: number) => (request < 6 ? 0 : 0.4)]],
    ["pods that serve different models", [() => 0, () => 0.4]],
  ])("learns nothing from %s", async (_, angles) => {
    const { order } = await pods(...angles);
    await expect(embedReference(order, signal)).rejects.toThrow(UnsteadyModel);
    expect(await findPodReference(store, key())).toBeNull();
  });

  it("is not held up by another pod that does not answer", async () => {
    const { order } = await pods(
      () => 0,
      () => null,
    );
    expect((await embedReference(order, signal)).kind).toBe("Embedded");
  });

  it("leaves nothing when it is stopped", async () => {
    const stop = new AbortController();
    const { order } = await pods((request) => {
      if (request === 5) stop.abort();
      return 0;
    });
    await expect(embedReference(order, stop.signal)).rejects.toThrow("given up");
    expect(await findPodReference(store, key())).toBeNull();
  });
});

describe("spread", () => {
  it.each([
    [3, 5, [0, 1, 2]],
    [10, 4, [0, 2, 5, 7]],
    [0, 4, []],
  ])("of %i, at most %i", (count, most, indices) => {
    expect(spread(count, most)).toEqual(indices);
  });
});
