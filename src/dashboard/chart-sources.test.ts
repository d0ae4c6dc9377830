import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { KubeError } from "../kube/index.ts";
import { serviceFixture } from "../operator/service.fixture.ts";
import type { ReadSecret } from "../signals/index.ts";
import { ChartSources } from "./chart-sources.ts";

let server: Server;
let url = "";
let asked: IncomingHttpHeaders[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.headers);
    response.end('{"status":"success","data":{"resultType":"matrix","result":[]}}');
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterEach(() => server.close());

const token = { name: "prometheus", key: "token" };

const service = (prometheus: object) =>
  serviceFixture({ spec: { monitoring: { prometheus: { url, ...prometheus } } } });

/** Asks for a range, and says what came of it. */
async function look(prometheus: object, options: { allowed?: string[] } = {}, read?: ReadSecret) {
  const secret = { data: { token: Buffer.from("Bearer s3cret").toString("base64") } };
  const sources = new ChartSources(read ?? (async () => secret), { allowed: options.allowed ?? [] });
  const found = await sources.find(service(prometheus), new AbortController().signal);
  if ("fault" in found) return found.fault;
  const answer = await found.prometheus.queryRange("up", { from: 0, to: 1000, step: 1000 });
  await sources.close();
  return answer.kind;
}

it("a service's own headers are sent", async () => {
  expect(await look({ headers: [{ name: "X-Scope-OrgID", value: "shop" }] })).toBe("Matrix");
  expect(asked[0]?.["x-scope-orgid"]).toBe("shop");
});

it("a Secret is used where the one who looks has allowed it", async () => {
  expect(await look({ authorizationSecretRef: token }, { allowed: [url] })).toBe("Matrix");
  expect(asked[0]?.authorization).toBe("Bearer s3cret");
});

it("a Secret goes nowhere else, whatever URL the service names", async () => {
  expect(await look({ authorizationSecretRef: token })).toMatch(/takes Secrets .*--prometheus-allow/);
  expect(await look({ authorizationSecretRef: token }, { allowed: ["http://prometheus"] })).toMatch(/takes Secrets/);
  expect(asked).toEqual([]);
});

it("a Secret that may not be read is said", async () => {
  const refuse = async () => {
    throw new KubeError("Forbidden", "GET secrets/prometheus: forbidden");
  };
  expect(await look({ authorizationSecretRef: token }, { allowed: [url] }, refuse)).toBe(
    "its Secrets cannot be read: GET secrets/prometheus: forbidden",
  );
});
