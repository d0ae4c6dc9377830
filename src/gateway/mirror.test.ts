import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answering, digest, serve, type TestServer } from "../../test/integration/gateway/rig.ts";
import type { Exchange } from "./exchange.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { Mirror } from "./mirror.ts";
import { protocols } from "./protocols/index.ts";
import { Upstream } from "./upstream.ts";

const timeouts = { connect: 1000, headers: 1000, body: 1000 };
const vectors = [Float32Array.of(1, 0)];
const same = JSON.stringify({ data: [{ index: 0, embedding: [1, 0] }] });
let answer: { status: number; body: string } | "Silence" | "Reset";
let server: TestServer;
let candidate: Upstream;

beforeAll(async () => {
  server = await serve(
    answering((_, _incoming, response) => {
      if (answer === "Reset") response.destroy();
      else if (answer !== "Silence") response.writeHead(answer.status).end(answer.body);
    }),
  );
  candidate = new Upstream({ name: "candidate-0", digest, address: "127.0.0.1", port: server.port, timeouts });
});
afterAll(async () => {
  await candidate.close(0);
  await server.close();
});

async function mirrored(signal: AbortSignal): Promise<{ code: unknown; compared: number; dropped: number }> {
  const metrics = new GatewayMetrics("ns", "svc");
  const mirror = new Mirror({
    metrics,
    candidate: () => candidate,
    form: () => null,
    protocol: () => protocols.OpenAI,
  });
  const exchange: Exchange = {
    pool: "stable",
    upstream: candidate,
    request: Buffer.from('{"input":[1]}'),
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
  const [requests, counts, dropped] = await Promise.all([
    valuesOf("evenkeel_gateway_requests_total"),
    valuesOf("evenkeel_gateway_mirror_cosine"),
    valuesOf("evenkeel_gateway_mirror_dropped_total"),
  ]);
  expect(requests).toMatchObject([{ value: 1, labels: { pool: "mirror", model: digest } }]);
  const compared = counts.find(
    (one) => "metricName" in one && one.metricName === "evenkeel_gateway_mirror_cosine_count",
  );
  return { code: requests[0]?.labels["code"], compared: compared?.value ?? 0, dropped: dropped[0]?.value ?? 0 };
}

describe("a copy of a request", () => {
  const never = new AbortController().signal;

  it("that the candidate answers is compared", async () => {
    answer = { status: 200, body: same };
    expect(await mirrored(never)).toEqual({ code: 200, compared: 1, dropped: 0 });
  });

  it.each([400, 401, 500])("that it answers with %i is counted under that code", async (status) => {
    answer = { status, body: "no" };
    expect(await mirrored(never)).toEqual({ code: status, compared: 0, dropped: 1 });
  });

  it("that it breaks off is a failure of its", async () => {
    answer = "Reset";
    expect(await mirrored(never)).toEqual({ code: 502, compared: 0, dropped: 1 });
  });

  it("that the gateway gives up is none", async () => {
    answer = "Silence";
    expect(await mirrored(AbortSignal.timeout(50))).toEqual({ code: 499, compared: 0, dropped: 1 });
  });
});
