import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../test/harness/wait.ts";
import { crafted, embedWith, inputSize, serveModel } from "../../test/integration/gateway/model.ts";
import { digest, type TestServer } from "../../test/integration/gateway/rig.ts";
import { BlockRecorder } from "./block-recorder.ts";
import { ConsistencyGuard } from "./consistency-guard.ts";
import { consistencySamples } from "./consistency-probe.ts";
import { DocumentCounts } from "./document-counts.ts";
import type { Exchange } from "./exchange.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { type Material, noMaterial } from "./material.ts";
import {
  type CapturedExchange,
  defaultObserverLimits,
  Observer,
  type ObserverLimits,
  type ObserverRules,
} from "./observer.ts";
import { protocols } from "./protocols/index.ts";
import { Upstream } from "./upstream.ts";

const protocol = protocols.OpenAI;
const timeouts = { connect: 1000, headers: 1000, body: 1000 };
const clean = [1, 1, 1, 1, 1, 1, 1, 0];
const material: Material = {
  ...noMaterial(digest, ""),
  dimension: inputSize,
  thresholds: new Map([["Quantise", { score: 0.5, tie: 0 }]]),
};
let server: TestServer;
let upstream: Upstream;

beforeAll(async () => {
  server = await serveModel(0, { host: "127.0.0.1", port: 0 });
  upstream = new Upstream({ name: "pod", digest, address: "127.0.0.1", port: server.port, timeouts });
});
afterAll(async () => {
  await upstream.close(0);
  await server.close();
});

const requestOf = (inputs: unknown): Buffer => Buffer.from(JSON.stringify({ input: inputs }));
const answerOf = (...vectors: unknown[]): Buffer =>
  Buffer.from(JSON.stringify({ data: vectors.map((embedding, index) => ({ index, embedding })) }));
const vector = (...values: number[]): number[] => values;
const exchangeOf = (change: Partial<Exchange>): Exchange => ({
  pool: "stable",
  upstream,
  request: requestOf([clean]),
  asked: { path: protocol.path, headers: ["content-type", "application/json"] },
  status: 200,
  answer: answerOf([...embedWith(0, clean)]),
  encoding: null,
  client: null,
  verdict: null,
  documents: false,
  at: 5_000,
  ...change,
});

function observe(
  change: { rules?: Partial<ObserverRules>; limits?: Partial<ObserverLimits>; material?: Material } = {},
) {
  const metrics = new GatewayMetrics("ns", "svc");
  const documents = new DocumentCounts(0);
  const recorder = new BlockRecorder(1000, 10);
  const captured: CapturedExchange[] = [];
  const faults: unknown[] = [];
  const mirrored: Exchange[] = [];
  const doubted: Exchange[] = [];
  const rules: ObserverRules = {
    protocol,
    modality: "Vector",
    consistencySample: { stable: 0, candidate: 0 },
    captureSample: 0,
    mirrorTo: null,
    ...change.rules,
  };
  const observer = new Observer({
    rules: () => rules,
    material: () => change.material ?? material,
    recorder: () => recorder,
    metrics,
    documents,
    mirror: async ({ exchange }) => void mirrored.push(exchange),
    secondOpinion: async (exchange) => {
      doubted.push(exchange);
      return "alone";
    },
    capture: (one) => captured.push(one),
    random: () => 0.25,
    limits: { ...defaultObserverLimits, ...change.limits },
    onFault: (error) => faults.push(error),
  });
  const finish = async () => {
    await observer.run(AbortSignal.abort());
    await observer.settled();
    expect(faults).toEqual([]);
  };
  const count = async (name: string, labels: Record<string, string> = {}): Promise<number> => {
    const { values } = await (metrics.registry.getSingleMetric(name)?.get() ?? Promise.reject(new Error(name)));
    return values
      .filter((one) => Object.entries(labels).every(([label, value]) => one.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  };
  const block = () => recorder.ended(digest, -1, 10_000)[0];
  const embedded = () => documents.report().versions;
  return { observer, finish, count, block, captured, mirrored, doubted, embedded };
}

describe("answers", () => {
  it.each([
    ["wrong length", vector(1, 2), "length"],
    ["NaN", "[NaN]", "not_finite"],
    ["infinity", Array.from({ length: inputSize }, () => 1e39), "not_finite"],
    ["zero norm", Array.from({ length: inputSize }, () => 0), "norm"],
    ["no numbers at all", [], "length"],
  ])(
    "vector of %s: counted by its reason, kept out of the statistics, and the others are taken",
    async (_, bad, reason) => {
      const { observer, finish, count, block } = observe();
      const nan = Array.from({ length: inputSize }, () => null);
      observer.offer(exchangeOf({ answer: answerOf(bad === "[NaN]" ? nan : bad, clean) }));
      await finish();
      expect(await count("evenkeel_gateway_invalid_vectors_total", { reason })).toBe(1);
      expect(await count("evenkeel_gateway_vectors_total")).toBe(2);
      expect(block()?.n).toBe(1);
    },
  );

  it("vectors that the client asked to have raw are no fault, and kept out of the statistics", async () => {
    const { observer, finish, count, block } = observe({
      rules: { protocol: protocols.TEI },
      material: { ...material, normalised: true },
    });
    const asked = Buffer.from(JSON.stringify({ inputs: [clean], normalize: false }));
    const raw = Buffer.from(JSON.stringify([clean]));
    observer.offer(exchangeOf({ request: asked, answer: raw }));
    observer.offer(exchangeOf({ request: Buffer.from(JSON.stringify({ inputs: [clean] })), answer: raw }));
    await finish();
    expect(await count("evenkeel_gateway_invalid_vectors_total", { reason: "norm" })).toBe(1);
    expect(await count("evenkeel_monitor_vectors_total", { result: "bypassed" })).toBe(1);
    expect(block()).toMatchObject({ n: 0 });
  });

  it.each([
    ["unknown body", { answer: Buffer.from("<html>") }, "json"],
    ["empty batch", { answer: answerOf() }, "empty"],
    ["too large to copy (10 MB body)", { answer: null }, "size"],
    ["unknown encoding", { encoding: "rot13" }, "encoding"],
    ["broken gzip", { encoding: "gzip" }, "encoding"],
  ])("%s: counted as unparsed, nothing else happens", async (_, change, reason) => {
    const { observer, finish, count, block } = observe();
    observer.offer(exchangeOf(change));
    await finish();
    expect(await count("evenkeel_gateway_unparsed_total", { reason })).toBe(1);
    expect(block()).toBeUndefined();
  });

  it("of an error is not read", async () => {
    const { observer, finish, count } = observe();
    observer.offer(exchangeOf({ status: 400, answer: Buffer.from("no") }));
    await finish();
    expect(await count("evenkeel_gateway_unparsed_total")).toBe(0);
  });
});

describe("the queue", () => {
  it("is bounded by exchanges and by bytes: samples are dropped and counted", async () => {
    const { observer, finish, count, block } = observe({ limits: { exchanges: 3, bytes: 1_000_000 } });
    for (let i = 0; i < 10; i++) observer.offer(exchangeOf({}));
    await finish();
    expect(await count("evenkeel_monitor_vectors_total", { result: "dropped" })).toBe(7);
    expect(block()?.n).toBe(3);
    const narrow = observe({ limits: { bytes: 10 } });
    narrow.observer.offer(exchangeOf({}));
    await narrow.finish();
    expect(await narrow.count("evenkeel_monitor_vectors_total", { result: "dropped" })).toBe(1);
  });
});

describe("documents", () => {
  const two = { request: requestOf([clean, clean]), answer: answerOf(clean, clean) };
  const first = "1970-01-01T00:00:05.000Z";

  it("are the inputs of requests that write to an index, by the model that answered; queries are none", async () => {
    const { observer, finish, count, embedded } = observe();
    observer.offer(exchangeOf({ ...two, documents: true }));
    observer.offer(exchangeOf({ documents: true, status: 201, at: 9_000 }));
    observer.offer(exchangeOf(two));
    await finish();
    expect(embedded()).toEqual([{ digest, count: 3, uncounted: 0, first, last: "1970-01-01T00:00:09.000Z" }]);
    expect(await count("evenkeel_gateway_documents_total", { model: digest })).toBe(3);
  });

  it("of a request that the pod refused were not embedded", async () => {
    const { observer, finish, embedded } = observe({ limits: { exchanges: 1 } });
    observer.offer(exchangeOf({ ...two, documents: true, status: 400 }));
    // The queue is full: what is left out was not embedded either.
    observer.offer(exchangeOf({ ...two, documents: true, status: 503 }));
    await finish();
    expect(embedded()).toEqual([]);
  });

  it.each([
    ["too large an answer to copy: by the request", { ...two, answer: null }, 2, 0],
    ["an answer that cannot be read: by the request", { ...two, answer: Buffer.from("<html>") }, 2, 0],
    ["neither can be read: the request", { request: Buffer.from("?"), answer: null }, 0, 1],
    ["both too large to copy: the request", { request: null, answer: null }, 0, 1],
  ])("are counted, %s", async (_, change, documents, uncounted) => {
    const { observer, finish, count, embedded } = observe();
    observer.offer(exchangeOf({ ...change, documents: true }));
    await finish();
    expect(embedded()).toEqual([{ digest, count: documents, uncounted, first, last: first }]);
    expect(await count("evenkeel_gateway_uncounted_document_requests_total")).toBe(uncounted);
  });

  it("of a request that found the queue full are uncounted, and said to be", async () => {
    const { observer, finish, embedded } = observe({ limits: { exchanges: 1 } });
    for (const at of [5_000, 6_000, 7_000]) observer.offer(exchangeOf({ ...two, documents: true, at }));
    await finish();
    expect(embedded()).toEqual([{ digest, count: 2, uncounted: 2, first, last: "1970-01-01T00:00:07.000Z" }]);
  });
});

describe("follow-ups", () => {
  it("probes a crafted and a clean input: scored, flagged, and its own requests bypass the statistics", async () => {
    const { observer, finish, count, block } = observe({ rules: { consistencySample: { stable: 1, candidate: 1 } } });
    const inputs = [clean, crafted(clean)];
    observer.offer(
      exchangeOf({ request: requestOf(inputs), answer: answerOf(...inputs.map((input) => [...embedWith(0, input)])) }),
    );
    await finish();
    expect(block()).toMatchObject({ n: 2, scored: 2, flagged: 1 });
    expect(await count("evenkeel_monitor_consistency_flagged_total")).toBe(1);
    expect(await count("evenkeel_monitor_vectors_total", { result: "bypassed" })).toBe(2);
  });

  it("probes the share of the pool that answered", async () => {
    const { observer, finish, block } = observe({ rules: { consistencySample: { stable: 0, candidate: 1 } } });
    observer.offer(exchangeOf({}));
    await finish();
    expect(block()).toMatchObject({ n: 1, scored: 0 });
    const other = observe({ rules: { consistencySample: { stable: 0, candidate: 1 } } });
    other.observer.offer(exchangeOf({ pool: "candidate" }));
    await other.finish();
    expect(other.block()).toMatchObject({ n: 1, scored: 1 });
    expect(consistencySamples(0.05, 5)).toEqual({ stable: 0.05, candidate: 1 });
    expect(consistencySamples(0.05, 25)).toEqual({ stable: 0.05, candidate: 0.2 });
  });

  it("captures with the probe's mark, and only what was drawn", async () => {
    const { observer, finish, captured } = observe({
      rules: { consistencySample: { stable: 1, candidate: 1 }, captureSample: 1 },
    });
    const inputs = [clean, crafted(clean)];
    observer.offer(
      exchangeOf({ request: requestOf(inputs), answer: answerOf(...inputs.map((input) => [...embedWith(0, input)])) }),
    );
    await finish();
    expect(captured[0]?.indices).toEqual([0, 1]);
    expect([...(captured[0]?.scores?.which ?? [])]).toEqual([1]);
    const off = observe({ rules: { captureSample: 0.2 } });
    off.observer.offer(exchangeOf({}));
    await off.finish();
    expect(off.captured).toEqual([]);
  });

  it("mirrors what stable answered, and drops and counts beyond the bound", async () => {
    const { observer, finish, mirrored, count } = observe({ rules: { mirrorTo: digest } });
    observer.offer(exchangeOf({}));
    observer.offer(exchangeOf({ pool: "candidate" }));
    await finish();
    expect(mirrored).toHaveLength(1);
    expect(await count("evenkeel_gateway_mirrored_requests_total", { result: "dropped" })).toBe(0);
    const full = observe({ rules: { mirrorTo: digest }, limits: { followUps: 0 } });
    full.observer.offer(exchangeOf({}));
    await full.finish();
    expect(await full.count("evenkeel_gateway_mirrored_requests_total", { result: "dropped" })).toBe(1);
  });

  it.each([400, 413, 429, 308])("asks for a second opinion on a candidate's %i, and counts it", async (status) => {
    const { observer, finish, doubted, count } = observe();
    const refused = exchangeOf({ pool: "candidate", status, answer: Buffer.from("no") });
    observer.offer(refused);
    await finish();
    expect(doubted).toEqual([refused]);
    expect(await count("evenkeel_gateway_refused_requests_total", { result: "alone", model: digest })).toBe(1);
  });

  it("asks for none on answers, on failures, and on what stable refused", async () => {
    const { observer, finish, doubted, count } = observe();
    observer.offer(exchangeOf({ pool: "candidate" }));
    observer.offer(exchangeOf({ pool: "candidate", status: 503 }));
    observer.offer(exchangeOf({ status: 400 }));
    await finish();
    expect(doubted).toEqual([]);
    expect(await count("evenkeel_gateway_refused_requests_total")).toBe(0);
  });

  it.each([{ secondOpinions: 0 }, { exchanges: 0 }])("beyond %j nobody is asked who else refuses", async (limits) => {
    const { observer, finish, doubted, count } = observe({ limits });
    observer.offer(exchangeOf({ pool: "candidate", status: 400 }));
    await finish();
    expect(doubted).toEqual([]);
    expect(await count("evenkeel_gateway_refused_requests_total", { result: "unasked" })).toBe(1);
  });

  it("a request that cannot be read is counted, its vectors are taken", async () => {
    const { observer, finish, count, block } = observe({ rules: { consistencySample: { stable: 1, candidate: 1 } } });
    observer.offer(exchangeOf({ request: Buffer.from("?") }));
    await finish();
    expect(await count("evenkeel_gateway_unparsed_total", { reason: "json" })).toBe(1);
    expect(block()?.n).toBe(1);
  });
});

describe("ConsistencyGuard", () => {
  const guard = (of: Material | null = material) =>
    new ConsistencyGuard({
      mode: "Block",
      maxDelay: 1000,
      maxBytes: 10_000,
      protocol,
      modality: "Vector",
      material: () => of,
      random: () => 0.5,
    });
  const judge = async (input: readonly number[], of: Material | null = material) =>
    await guard(of)
      .begin(requestOf([input]), upstream)
      .judge(answerOf([...embedWith(0, input)]), null);

  it("flags a crafted input, and lets a clean one pass", async () => {
    expect(await judge(crafted(clean))).toMatchObject({ kind: "Flagged", scored: 1, flagged: 1 });
    expect(await judge(clean)).toMatchObject({ kind: "Clean", scored: 1, flagged: 0 });
  });

  it.each([
    ["no threshold", async () => await judge(clean, noMaterial(digest, ""))],
    [
      "a request that cannot be read",
      async () => await guard().begin(Buffer.from("?"), upstream).judge(answerOf(clean), null),
    ],
    [
      "an answer without the vectors",
      async () =>
        await guard()
          .begin(requestOf([clean]), upstream)
          .judge(answerOf(), null),
    ],
    [
      "a pod that fails",
      async () => {
        const gone = new Upstream({ name: "gone", digest, address: "127.0.0.1", port: 1, timeouts });
        return await guard()
          .begin(requestOf([clean]), gone)
          .judge(answerOf(clean), null);
      },
    ],
  ])("fails open on %s", async (_, run) => {
    expect(await run()).toMatchObject({ kind: "Unscored" });
  });

  it("leaves no request under way when it is given up", async () => {
    const pending = guard().begin(requestOf([clean]), upstream);
    pending.cancel();
    await waitFor("the end", () => upstream.inFlight === 0);
    expect(await pending.judge(answerOf(clean), null)).toMatchObject({ kind: "Unscored" });
  });
});
