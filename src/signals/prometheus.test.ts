import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { evaluate, type LimitSignal } from "./evaluate.ts";
import { largestAnswer, type PrometheusSettings, prometheusClient } from "./prometheus.ts";
import type { Reason, Verdict } from "./verdict.ts";

const now = Date.UTC(2026, 10, 24, 12);
const clock = { now: () => now };
const signal: LimitSignal = { kind: "PromQL", query: "avg(zero_results)", above: 0.2, maxAge: 60_000 };

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

function client(url: string, settings: Partial<PrometheusSettings> = {}) {
  const prometheus = prometheusClient({ url, timeout: 5000, ...settings });
  open.push(() => prometheus.close());
  return prometheus;
}

async function ask(listener: RequestListener, settings: Partial<PrometheusSettings> = {}): Promise<Verdict> {
  return evaluate(signal, client(await listen(createServer(listener)), settings), clock);
}

const answer = (result: unknown, extra: object = {}): RequestListener => {
  const body = JSON.stringify({ status: "success", data: { resultType: "vector", result }, ...extra });
  return (_, response) => response.setHeader("content-type", "application/json").end(body);
};
const sample = (value: string, at = now / 1000, metric = {}) => ({ metric, value: [at, value] });

describe("a source that answers", () => {
  const table: [string, unknown, Verdict["kind"], Reason, number | null][] = [
    ["a value under the limit", [sample("0.1")], "Pass", "WithinLimits", 0.1],
    ["a value at the limit", [sample("0.2")], "Pass", "WithinLimits", 0.2],
    ["a value over the limit", [sample("0.25")], "Fail", "AboveLimit", 0.25],
    ["+Inf", [sample("+Inf")], "Fail", "AboveLimit", Infinity],
    ["-Inf", [sample("-Inf")], "Pass", "WithinLimits", -Infinity],
    ["an exponent", [sample("1e-3")], "Pass", "WithinLimits", 0.001],
    ["NaN", [sample("NaN")], "NoData", "NotANumber", null],
    ["no series", [], "NoData", "NoSeries", null],
    ["an old value", [sample("0.25", now / 1000 - 61)], "NoData", "Stale", 0.25],
    ["a value just young enough", [sample("0.25", now / 1000 - 60)], "Fail", "AboveLimit", 0.25],
    ["several series", [sample("1", now / 1000, { pod: "a" }), sample("2")], "SourceError", "ManySeries", null],
    ["a word for a number", [sample("many")], "SourceError", "Malformed", null],
    ["an empty word for a number", [sample("")], "SourceError", "Malformed", null],
    ["a hexadecimal number", [sample("0x10")], "SourceError", "Malformed", null],
    ["a number for a word", [{ metric: {}, value: [1, 2] }], "SourceError", "Malformed", null],
  ];
  it.each(table)("%s", async (_, result, kind, reason, value) => {
    expect(await ask(answer(result))).toMatchObject({ kind, reason, value, query: signal.query, at: now });
  });

  it("a scalar is one number", async () => {
    const body = JSON.stringify({ status: "success", data: { resultType: "scalar", result: [now / 1000, "0.3"] } });
    expect(await ask((_, response) => response.end(body))).toMatchObject({ kind: "Fail", value: 0.3 });
  });

  it("a range where one number is wanted", async () => {
    const body = JSON.stringify({ status: "success", data: { resultType: "matrix", result: [] } });
    expect(await ask((_, response) => response.end(body))).toMatchObject({ kind: "SourceError", reason: "NotAVector" });
  });

  it("warnings make the answer partial", async () => {
    const verdict = await ask(answer([sample("0.1")], { warnings: ["store gateway is down"] }));
    expect(verdict).toMatchObject({ kind: "SourceError", reason: "Partial" });
    expect(verdict.message).toContain("store gateway is down");
  });

  it("infos do not", async () => {
    expect(await ask(answer([sample("0.1")], { infos: ["might not be a counter"] }))).toMatchObject({ kind: "Pass" });
  });

  it("asks by POST with query, instant, lookback and headers", async () => {
    let seen = "";
    const listener: RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { authorization, "x-scope-orgid": tenant } = request.headers;
        seen = `${request.method} ${request.url} ${authorization} ${String(tenant)} ${Buffer.concat(chunks).toString()}`;
        answer([sample("0.1")])(request, response);
      });
    };
    const url = await listen(createServer(listener));
    const settings = { authorization: "Bearer t", headers: { "x-scope-orgid": "a" } };
    expect(await evaluate(signal, client(`${url}/prometheus`, settings), clock)).toMatchObject({ kind: "Pass" });
    expect(seen).toBe(
      `POST /prometheus/api/v1/query Bearer t a query=avg%28zero_results%29&time=${now / 1000}.000&lookback_delta=60.000`,
    );
  });

  it("gives a range as points", async () => {
    const result = [
      {
        metric: { pod: "a" },
        values: [
          [1, "0"],
          [2, "NaN"],
        ],
      },
    ];
    const body = JSON.stringify({ status: "success", data: { resultType: "matrix", result } });
    const url = await listen(createServer((_, response) => response.end(body)));
    expect(await client(url).queryRange("up", { from: 1000, to: 2000, step: 1000 })).toEqual({
      kind: "Matrix",
      series: [
        {
          labels: { pod: "a" },
          points: [
            { at: 1000, value: 0 },
            { at: 2000, value: Number.NaN },
          ],
        },
      ],
    });
  });
});

describe("a source that misbehaves", () => {
  const table: [string, RequestListener, Reason][] = [
    ["status 500", (_, response) => response.writeHead(500).end("oops"), "HttpError"],
    [
      "status 503 with a Prometheus error",
      (_, r) => r.writeHead(503).end('{"status":"error","errorType":"timeout","error":"x"}'),
      "HttpError",
    ],
    ["status 401", (_, response) => response.writeHead(401).end(), "HttpError"],
    [
      "a bad query",
      (_, r) => r.writeHead(400).end('{"status":"error","errorType":"bad_data","error":"parse error"}'),
      "BadQuery",
    ],
    ["a redirect", (_, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(), "Redirected"],
    ["HTML", (_, response) => response.end("<html>login</html>"), "Malformed"],
    ["an empty body", (_, response) => response.end(), "Malformed"],
    ["half an answer", (_, response) => response.end('{"status":"success","data":{"resultType":"vec'), "Malformed"],
    ["success that says error", (_, r) => r.end('{"status":"error","errorType":"execution","error":"x"}'), "Malformed"],
    [
      "an unknown result type",
      (_, r) => r.end('{"status":"success","data":{"resultType":"cube","result":[]}}'),
      "Malformed",
    ],
    ["a cut connection", (request) => request.socket.destroy(), "Unreachable"],
    [
      "a body that is cut",
      (_, r) => {
        r.writeHead(200, { "content-length": "100" });
        r.write("{");
        setImmediate(() => r.destroy());
      },
      "Unreachable",
    ],
  ];
  it.each(table)("%s", async (_, listener, reason) => {
    const verdict = await ask(listener);
    expect(verdict).toMatchObject({ kind: "SourceError", reason, value: null });
    expect(verdict.message).not.toBe("");
  });

  it("an answer that is too large is not read to its end", async () => {
    let written = 0;
    const verdict = await ask((_, response) => {
      const chunk = Buffer.alloc(64 * 1024, " ");
      const more = (): void => {
        while (!response.destroyed) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
      };
      more();
    });
    expect(verdict).toMatchObject({ kind: "SourceError", reason: "TooLarge" });
    expect(written).toBeLessThan(64 * largestAnswer);
  });

  it.each([
    ["never answers", () => undefined],
    ["never ends its answer", (response: { write(text: string): unknown }) => response.write('{"status":')],
  ])("one that %s", async (_, begin) => {
    expect(await ask((_request, response) => void begin(response), { timeout: 50 })).toMatchObject({
      kind: "SourceError",
      reason: "TimedOut",
    });
  });

  it("one that is not there", async () => {
    const server = createServer();
    const url = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await evaluate(signal, client(url), clock)).toMatchObject({ kind: "SourceError", reason: "Unreachable" });
  });
});
