import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answering, digest, serve, type TestServer } from "../../test/integration/gateway/rig.ts";
import type { Exchange } from "./exchange.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { Mirror } from "./mirror.ts";
import { protocols } from "./protocols/index.ts";
import { Upstream } from "./upstream.ts";

type Answer = { status: number; body: string } | "Silence" | "Reset";

const timeouts = { connect: 1000, headers: 1000, body: 1000 };
const vectors = [Float32Array.of(1, 0)];
const one = JSON.stringify({ data: [{ index: 0, embedding: [1, 0] }] });
const two = JSON.stringify({ data: [0, 1].map((index) => ({ index, embedding: [1, 0] })) });
/** What each gives from now on; the last one again and again. */
const answers: { candidate: Answer[]; stable: Answer[] } = { candidate: [], stable: [] };
const servers: TestServer[] = [];
let candidate: Upstream;
let stable: Upstream;

async function start(name: "candidate" | "stable"): Promise<Upstream> {
  const server = await serve(
    answering((_, _incoming, response) => {
      const answer = answers[name].length > 1 ? answers[name].shift() : answers[name][0];
      if (answer === "Reset" || answer === undefined) response.destroy();
      else if (answer !== "Silence") response.writeHead(answer.status).end(answer.body);
    }),
  );
  servers.push(server);
  return new Upstream({ name, digest, address: "127.0.0.1", port: server.port, timeouts });
}

beforeAll(async () => {
  candidate = await start("candidate");
  stable = await start("stable");
});
afterAll(async () => {
  await Promise.all([candidate, stable].map((upstream) => upstream.close(0)));
  await Promise.all(servers.map((server) => server.close()));
});

async function mirrored(signal = new AbortController().signal, pod = candidate) {
  const metrics = new GatewayMetrics("ns", "svc");
  const mirror = new Mirror({
    metrics,
    candidate: () => pod,
    form: () => null,
    protocol: () => protocols.OpenAI,
  });
  const exchange: Exchange = {
    pool: "stable",
    upstream: stable,
    request: Buffer.from('{"input":[1]}'),
    asked: { path: protocols.OpenAI.path, headers: ["content-type", "application/json"] },
    status: 200,
    answer: null,
    encoding: null,
    client: null,
    verdict: null,
    documents: false,
    at: 0,
  };
  await mirror.send({ exchange, vectors }, signal);
  const valuesOf = async (name: string) => (await metrics.registry.getSingleMetric(name)?.get())?.values ?? [];
  const [requests, results, cosines] = await Promise.all([
    valuesOf("evenkeel_gateway_requests_total"),
    valuesOf("evenkeel_gateway_mirrored_requests_total"),
    valuesOf("evenkeel_gateway_mirror_cosine"),
  ]);
  expect(requests).toMatchObject([{ value: 1, labels: { pool: "mirror", model: digest } }]);
  expect(results).toMatchObject([{ value: 1, labels: { model: digest } }]);
  const compared = cosines.find((of) => "metricName" in of && of.metricName === "evenkeel_gateway_mirror_cosine_count");
  return { code: requests[0]?.labels["code"], result: results[0]?.labels["result"], compared: compared?.value ?? 0 };
}

describe("a copy of a request that stable answered", () => {
  it("and the candidate too is compared", async () => {
    answers.candidate = [{ status: 200, body: one }];
    expect(await mirrored()).toEqual({ code: 200, result: "answered", compared: 1 });
  });

  it.each([
    ["nothing that can be read", "<html>"],
    ["another number of vectors", two],
    ["no vectors", '{"data":[]}'],
  ])("has failed when the candidate answers with %s", async (_, body) => {
    answers.candidate = [{ status: 200, body }];
    expect(await mirrored()).toEqual({ code: 200, result: "failed", compared: 0 });
  });

  it.each([
    [400, 200, "refused"],
    [413, 200, "refused"],
    [308, 200, "refused"],
    // The copy is without something that stable's client sent.
    [400, 400, "unjudged"],
    [401, 200, "unjudged"],
    [400, 401, "unjudged"],
    // One pod is mirrored to.
    [429, 200, "unjudged"],
    [503, 200, "unjudged"],
    [500, 200, "failed"],
  ])("and the candidate answers with %i, and stable this copy with %i, is %s", async (ours, theirs, result) => {
    answers.candidate = [{ status: ours, body: "no" }];
    answers.stable = [{ status: theirs, body: one }];
    expect(await mirrored()).toEqual({ code: ours, result, compared: 0 });
  });

  it("that is broken off is sent once more", async () => {
    answers.candidate = ["Reset", { status: 200, body: one }];
    expect(await mirrored()).toEqual({ code: 200, result: "answered", compared: 1 });
    answers.candidate = ["Reset"];
    expect(await mirrored()).toEqual({ code: 502, result: "failed", compared: 0 });
  });

  it("that no pod took says nothing", async () => {
    const gone = new Upstream({ name: "gone", digest, address: "127.0.0.1", port: 1, timeouts });
    expect(await mirrored(undefined, gone)).toEqual({ code: 502, result: "unjudged", compared: 0 });
  });

  it("that the gateway gives up says nothing", async () => {
    answers.candidate = ["Silence"];
    expect(await mirrored(AbortSignal.timeout(50))).toEqual({ code: 499, result: "unjudged", compared: 0 });
  });
});
