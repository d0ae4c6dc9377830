/**
 * What a gateway adds to a request, beside its peer, the proxy one would write first with Node's own client:
 * `node bench/gateway.ts [--json] [--requests 4000]`.
 *
 * One pod, one proxy and the load each have a process of their own. A request is an image of 28 × 28 as a data URI, its
 * answer a vector of 64 numbers; the gateway takes every vector into its statistics. Rounds of the three ways follow each
 * other in turn; printed are medians of the rounds, and the ratios, which mean more than the figures of one machine.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, request as nodeRequest } from "node:http";
import { parseArgs } from "node:util";
import { encode } from "fast-png";
import { Pool } from "undici";
import { BlockRecorder } from "../src/gateway/block-recorder.ts";
import { DocumentCounts } from "../src/gateway/document-counts.ts";
import { GatewayMetrics } from "../src/gateway/gateway-metrics.ts";
import { defaultLimits } from "../src/gateway/limits.ts";
import { noMaterial } from "../src/gateway/material.ts";
import { defaultObserverLimits, Observer } from "../src/gateway/observer.ts";
import { protocols } from "../src/gateway/protocols/index.ts";
import { Proxy } from "../src/gateway/proxy.ts";
import { Upstream } from "../src/gateway/upstream.ts";
import { buildReference, matrixOf, seededRandom } from "../src/monitor/index.ts";

const dimension = 64;
const model = `sha256:${"a".repeat(64)}`;
const roles = { pod: servePod, gateway: serveGateway, peer: servePeer } as const;
type Role = keyof typeof roles;
type Way = "direct" | "gateway" | "peer";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, requests: { type: "string", default: "4000" } },
});
const [role, upstreamPort = "0"] = positionals;
if (role === "pod" || role === "gateway" || role === "peer") {
  process.on("message", () => {
    globalThis.gc?.();
    process.send?.({ heapMb: process.memoryUsage().heapUsed / 1e6 });
  });
  process.on("disconnect", () => process.exit());
  process.send?.({ port: await roles[role](Number(upstreamPort)) });
} else {
  await compare(Number(options.requests), options.json);
}

async function servePod(): Promise<number> {
  const random = seededRandom(1);
  const embedding = Array.from({ length: dimension }, () => random.gaussian());
  const answer = Buffer.from(JSON.stringify({ object: "list", model: "m", data: [{ index: 0, embedding }] }));
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    incoming.resume();
    incoming.once("end", () => {
      response.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
      response.end(answer);
    });
  });
  return await listen(server);
}

async function serveGateway(upstreamPort: number): Promise<number> {
  const random = seededRandom(2);
  const rows = Array.from({ length: 2000 }, () => Float32Array.from({ length: dimension }, () => random.gaussian()));
  const drift = buildReference({ model, inputs: "bench", embeddings: matrixOf(rows), seed: 1 });
  const material = { ...noMaterial(model, ""), dimension, drift };
  const recorder = new BlockRecorder(1000, 60);
  recorder.watch(material);
  const metrics = new GatewayMetrics("bench", "bench");
  const observer = new Observer({
    rules: () => ({
      protocol: protocols.OpenAI,
      modality: "Image",
      consistencySample: { stable: 0, candidate: 0 },
      captureSample: 0,
      mirrorTo: null,
    }),
    material: () => material,
    recorder: () => recorder,
    metrics,
    documents: new DocumentCounts(0),
    mirror: async () => {},
    secondOpinion: async () => "unasked",
    capture: () => {},
    random: Math.random,
    limits: defaultObserverLimits,
    onFault: (error) => {
      throw error;
    },
  });
  void observer.run(new AbortController().signal);
  const { upstream: timeouts } = defaultLimits;
  const upstream = new Upstream({ name: "pod", digest: model, address: "127.0.0.1", port: upstreamPort, timeouts });
  const proxy = new Proxy({
    certificate: null,
    limits: defaultLimits,
    rules: () => ({ path: "/v1/embeddings", errorFields: null, stickyHeader: null, clientHeader: null, documents: [] }),
    route: () => ({ kind: "To", pool: "stable", upstream }),
    guard: () => null,
    meter: metrics,
    observe: (exchange) => observer.offer(exchange),
  });
  return await proxy.listen("127.0.0.1", 0);
}

async function servePeer(port: number): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    const { method, url: path, headers } = incoming;
    const outgoing = nodeRequest({ host: "127.0.0.1", port, method, path, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.once("error", () => response.destroy());
    incoming.pipe(outgoing);
  });
  return await listen(server);
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

type Figures = { readonly p50: number; readonly p99: number; readonly perSecond: number };

async function compare(requests: number, json: boolean): Promise<void> {
  const children: ChildProcess[] = [];
  const start = async (name: Role, port = 0): Promise<{ child: ChildProcess; port: number }> => {
    const child = fork(import.meta.filename, [name, String(port)], { execArgv: ["--expose-gc"] });
    children.push(child);
    const [message] = await once(child, "message");
    return { child, port: Number(message.port) };
  };
  try {
    const pod = await start("pod");
    const gateway = await start("gateway", pod.port);
    const peer = await start("peer", pod.port);
    const ports: Record<Way, number> = { direct: pod.port, gateway: gateway.port, peer: peer.port };
    const ways: readonly Way[] = ["direct", "gateway", "peer"];
    const rounds: Record<Way, Figures[]> = { direct: [], gateway: [], peer: [] };
    for (const way of ways) await measure(ports[way], requests);
    const heap = [await heapOf(gateway.child)];
    for (let round = 0; round < 5; round++) {
      for (const way of ways) rounds[way].push(await measure(ports[way], requests));
      heap.push(await heapOf(gateway.child));
    }
    const figures = {
      direct: medians(rounds.direct),
      gateway: medians(rounds.gateway),
      peer: medians(rounds.peer),
    };
    const { direct, gateway: own, peer: other } = figures;
    const summary = {
      addedP50Ms: own.p50 - direct.p50,
      addedP99Ms: own.p99 - direct.p99,
      peerAddedP50Ms: other.p50 - direct.p50,
      peerAddedP99Ms: other.p99 - direct.p99,
      throughputOfDirect: own.perSecond / direct.perSecond,
      throughputOfPeer: own.perSecond / other.perSecond,
      addedP50OfPeer: (own.p50 - direct.p50) / (other.p50 - direct.p50),
      gatewayHeapMb: heap,
    };
    if (json) console.log(JSON.stringify({ figures, summary }, null, 2));
    else {
      console.table(figures);
      console.log(summary);
    }
  } finally {
    for (const child of children) child.disconnect();
  }
}

async function heapOf(child: ChildProcess): Promise<number> {
  const answered = once(child, "message");
  child.send("heap");
  const [message] = await answered;
  return Math.round(Number(message.heapMb));
}

/** Latency of one request after the other, then throughput of 16 at once. */
async function measure(port: number, requests: number): Promise<Figures> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 16, pipelining: 1 });
  const random = seededRandom(3);
  const data = Uint8Array.from({ length: 784 }, () => (random.uniform() < 0.8 ? 0 : random.integer(256)));
  const png = Buffer.from(encode({ width: 28, height: 28, channels: 1, depth: 8, data }));
  const body = JSON.stringify({ model: "m", input: `data:image/png;base64,${png.toString("base64")}` });
  const send = async (): Promise<void> => {
    const headers = { "content-type": "application/json" };
    const answer = await pool.request({ method: "POST", path: "/v1/embeddings", headers, body });
    await answer.body.dump({ limit: 1 << 20 });
    if (answer.statusCode !== 200) throw new Error(`the answer was ${answer.statusCode}`);
  };
  const times: number[] = [];
  for (let i = 0; i < requests / 4; i++) {
    const startedAt = performance.now();
    await send();
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const startedAt = performance.now();
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await send();
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  const perSecond = requests / ((performance.now() - startedAt) / 1000);
  await pool.close();
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), perSecond };
}

function medians(rounds: readonly Figures[]): Figures {
  const median = (name: keyof Figures): number =>
    quantile(
      rounds.map((round) => round[name]).sort((a, b) => a - b),
      0.5,
    );
  return { p50: median("p50"), p99: median("p99"), perSecond: median("perSecond") };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
