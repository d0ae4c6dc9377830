import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answering, digest, serve, type TestServer } from "../../test/integration/gateway/rig.ts";
import type { Exchange } from "./exchange.ts";
import { protocols } from "./protocols/index.ts";
import { SecondOpinion, type SecondOpinionOptions } from "./second-opinion.ts";
import { Upstream } from "./upstream.ts";

const protocol = protocols.OpenAI;
const timeouts = { connect: 1000, headers: 1000, body: 1000 };
const asked: { path: string | undefined; body: string }[] = [];
let status: number | "Silence" | "Reset";
let server: TestServer;
let stable: Upstream;

beforeAll(async () => {
  server = await serve(
    answering((body, { url }, response) => {
      asked.push({ path: url, body: body.toString() });
      if (status === "Reset") response.destroy();
      else if (status !== "Silence") response.writeHead(status).end("{}");
    }),
  );
  stable = new Upstream({ name: "stable-0", digest, address: "127.0.0.1", port: server.port, timeouts });
});
afterAll(async () => {
  await stable.close(0);
  await server.close();
});

const refused = (request: Buffer | null = Buffer.from('{"input":[1]}')): Exchange => ({
  pool: "candidate",
  upstream: stable,
  request,
  status: 400,
  answer: Buffer.from("no"),
  encoding: null,
  client: null,
  verdict: null,
  documents: false,
  at: 0,
});
const opinion = (options: Partial<SecondOpinionOptions> = {}) =>
  new SecondOpinion({ stable: () => stable, protocol: () => protocol, ...options });
const never = new AbortController().signal;

describe("a request that the candidate refused", () => {
  it.each([
    [200, "alone"],
    [204, "alone"],
    [400, "both"],
    [422, "both"],
    [308, "both"],
    [401, "unknown"],
    [403, "unknown"],
    [407, "unknown"],
    [500, "unknown"],
    ["Reset", "unknown"],
  ] as const)("and stable answers with %s is refused by: %s", async (answer, expected) => {
    status = answer;
    asked.length = 0;
    expect(await opinion().ask(refused(), never)).toBe(expected);
    expect(asked).toEqual([{ path: protocol.path, body: '{"input":[1]}' }]);
  });

  it("is given up when the time is over", async () => {
    status = "Silence";
    expect(await opinion().ask(refused(), AbortSignal.timeout(50))).toBe("unknown");
  });

  it.each<[string, Partial<SecondOpinionOptions>, Buffer | null | undefined]>([
    ["without a pod of stable", { stable: () => null }, undefined],
    ["without a configuration", { protocol: () => null }, undefined],
    ["too large to keep", {}, null],
  ])("%s: nobody is asked", async (_, options, request) => {
    asked.length = 0;
    expect(await opinion(options).ask(refused(request), never)).toBe("unknown");
    expect(asked).toEqual([]);
  });
});
