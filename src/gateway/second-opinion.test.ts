import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answering, digest, serve, type TestServer } from "../../test/integration/gateway/rig.ts";
import type { Exchange } from "./exchange.ts";
import { judgeRefusal, SecondOpinion } from "./second-opinion.ts";
import { Upstream } from "./upstream.ts";

describe("a refusal of the candidate's", () => {
  it.each([
    [400, 200, "alone"],
    [413, 204, "alone"],
    [429, 200, "alone"],
    [308, 200, "alone"],
    [400, 400, "both"],
    [404, 422, "both"],
    [400, 308, "both"],
    // The copy was answered, or not for what the client asked.
    [200, 200, "unclear"],
    [500, 200, "unclear"],
    [401, 200, "unclear"],
    [null, 200, "unclear"],
    // Stable says nothing of the request.
    [400, 401, "unclear"],
    [400, 403, "unclear"],
    [400, 407, "unclear"],
    [400, 429, "unclear"],
    [400, 408, "unclear"],
    [400, 500, "unclear"],
    [400, 503, "unclear"],
    [400, null, "unclear"],
  ] as const)("with %s to a copy, which stable answers with %s, is of: %s", (candidate, stable, refusal) => {
    expect(judgeRefusal(candidate, stable)).toBe(refusal);
  });
});

describe("a second opinion", () => {
  const timeouts = { connect: 1000, headers: 1000, body: 1000 };
  const asked = {
    path: "/v1/embeddings?api-version=2",
    headers: ["content-type", "text/plain", "content-encoding", "br"],
  };
  const got: unknown[] = [];
  const servers: TestServer[] = [];
  const upstreams: Upstream[] = [];
  let [candidate, stable, silent]: Upstream[] = [];

  const start = async (name: string, status: number | null): Promise<Upstream> => {
    const server = await serve(
      answering((body, { url, headers }, response) => {
        got.push([name, url, headers["content-type"], headers["content-encoding"], body.toString()]);
        if (status !== null) response.writeHead(status).end("{}");
      }),
    );
    servers.push(server);
    const upstream = new Upstream({ name, digest, address: "127.0.0.1", port: server.port, timeouts });
    upstreams.push(upstream);
    return upstream;
  };

  beforeAll(async () => {
    candidate = await start("candidate", 400);
    stable = await start("stable", 200);
    silent = await start("silent", null);
  });
  afterAll(async () => {
    await Promise.all(upstreams.map((upstream) => upstream.close(0)));
    await Promise.all(servers.map((server) => server.close()));
  });

  const refused = (request: Buffer | null): Exchange => {
    if (!candidate) throw new Error("not started");
    const said = { status: 400, answer: Buffer.from("no"), encoding: null, verdict: null };
    return { pool: "candidate", upstream: candidate, request, asked, client: null, documents: false, at: 0, ...said };
  };
  const never = new AbortController().signal;

  it("asks both with the same copy, as the client wrote it", async () => {
    expect(await new SecondOpinion(() => stable ?? null).ask(refused(Buffer.from("[1]")), never)).toBe("alone");
    const copy = [asked.path, "text/plain", "br", "[1]"];
    expect(got).toHaveLength(2);
    expect(got).toEqual(
      expect.arrayContaining([
        ["candidate", ...copy],
        ["stable", ...copy],
      ]),
    );
  });

  it("is given up when the time is over", async () => {
    const limit = AbortSignal.timeout(50);
    expect(await new SecondOpinion(() => silent ?? null).ask(refused(Buffer.from("[1]")), limit)).toBe("unclear");
  });

  it.each<[string, () => Upstream | null, Buffer | null]>([
    ["without a pod of stable", () => null, Buffer.from("[1]")],
    ["on a request that was too large to keep", () => stable ?? null, null],
  ])("%s asks nobody", async (_, pod, request) => {
    got.length = 0;
    expect(await new SecondOpinion(pod).ask(refused(request), never)).toBe("unasked");
    expect(got).toEqual([]);
  });
});
