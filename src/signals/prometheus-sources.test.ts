import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { embeddingServiceSpec } from "../api/index.ts";
import { isAllowed, onAllowList, PrometheusSources } from "./prometheus-sources.ts";

const url = "http://prometheus.monitoring:9090";

function make(tokens: Record<string, string>, allowed = url) {
  const read = async ({ name }: { name: string }) => {
    const token = tokens[name];
    return token === undefined ? null : { data: { token: Buffer.from(token).toString("base64") } };
  };
  const sources = new PrometheusSources(read, onAllowList([allowed]));
  const find = async (name: string, namespace = "search", service = name) => {
    const wanted = { url, authorizationSecretRef: { name, key: "token" }, headers: [] };
    const found = await sources.find({ namespace, name: service }, wanted, new AbortController().signal);
    if (found.kind !== "Source") throw new Error(found.message);
    return found.prometheus;
  };
  return { sources, find };
}

it("services with one Prometheus and a token each keep a client each", async () => {
  const { sources, find } = make({ a: "1", b: "2" });
  const a = await find("a");
  const closed = vi.spyOn(a, "close");
  const b = await find("b");
  expect(b).not.toBe(a);
  expect([await find("a"), await find("b"), await find("a")]).toEqual([a, b, a]);
  expect(closed).not.toHaveBeenCalled();
  expect(await find("a", "other")).not.toBe(a);
  await sources.close();
});

it("a client is given up when its own Secret has changed, once", async () => {
  const tokens: Record<string, string> = { a: "1", b: "2" };
  const { sources, find } = make(tokens);
  const [a, b] = [await find("a"), await find("b")];
  const closed = [vi.spyOn(a, "close"), vi.spyOn(b, "close")];
  tokens["a"] = "3";
  const [one, other] = await Promise.all([find("a"), find("a")]);
  expect(one).toBe(other);
  expect(one).not.toBe(a);
  expect(closed.map((spy) => spy.mock.calls.length)).toEqual([1, 0]);
  await sources.close();
});

it("the client of a service that names another source, or is gone, is closed", async () => {
  const { sources, find } = make({ a: "1", b: "2" });
  const first = await find("a", "search", "shop");
  const second = await find("b", "search", "shop");
  const closed = [vi.spyOn(first, "close"), vi.spyOn(second, "close")];
  const third = await find("a", "search", "shop");
  expect(closed.map((spy) => spy.mock.calls.length)).toEqual([0, 1]);
  const last = vi.spyOn(third, "close");
  await sources.forget({ namespace: "search", name: "shop" });
  expect(last).toHaveBeenCalledOnce();
  expect(await find("a", "search", "shop")).not.toBe(third);
  await sources.close();
});

it("that the samples name is on the chart's own allow-list", () => {
  const root = new URL("../../", import.meta.url);
  const values = z.object({ prometheus: z.object({ allow: z.array(z.string()) }) });
  const { allow } = values.parse(parse(readFileSync(new URL("charts/evenkeel/values.yaml", root), "utf8"))).prometheus;
  const samples = new URL("deploy/samples/", root);
  const urls = readdirSync(samples)
    .flatMap((file) => parseAllDocuments(readFileSync(new URL(file, samples), "utf8")))
    .flatMap((document) => {
      const service = z.object({ kind: z.literal("EmbeddingService"), spec: embeddingServiceSpec });
      return service.safeParse(document.toJS()).data?.spec.monitoring.prometheus.url ?? [];
    });
  expect(urls).toHaveLength(4);
  expect(urls.filter((one) => !isAllowed(one, allow))).toEqual([]);
});

it("sends the headers that are asked for, and others once a Secret of theirs has changed", async () => {
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    response.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const own = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const tokens: Record<string, string> = { tenant: "shop\n" };
  const { sources } = make(tokens, own);
  const headers = [
    { name: "X-Scope-OrgID", valueFromSecretRef: { name: "tenant", key: "token" } },
    { name: "X-Via", value: "evenkeel" },
  ];
  const ask = async () => {
    const found = await sources.find(
      { namespace: "search", name: "shop" },
      { url: own, headers },
      new AbortController().signal,
    );
    if (found.kind === "Source") await found.prometheus.query("up", 0, 1000);
    return found;
  };
  await ask();
  tokens["tenant"] = "other";
  await ask();
  expect(asked.map((one) => [one["x-scope-orgid"], one["x-via"]])).toEqual([
    ["shop", "evenkeel"],
    ["other", "evenkeel"],
  ]);
  delete tokens["tenant"];
  expect(await ask()).toEqual({
    kind: "Refused",
    reason: "SecretMissing",
    message: "monitoring.prometheus: Secret tenant has no key token",
  });
  await sources.close();
  server.close();
});

it("a Secret that cannot be read is said", async () => {
  const wanted = { url, authorizationSecretRef: { name: "a", key: "token" }, headers: [] };
  const sources = new PrometheusSources(
    () => Promise.resolve({ unreadable: "get Secret search/a: no right to" }),
    onAllowList([url]),
  );
  expect(await sources.find({ namespace: "search", name: "shop" }, wanted, new AbortController().signal)).toEqual({
    kind: "Refused",
    reason: "SecretUnreadable",
    message: "monitoring.prometheus: get Secret search/a: no right to",
  });
});

it("a Secret that is no header's value is not sent, and told nobody", async () => {
  const { sources } = make({ tenant: "se\ncret" });
  const headers = [{ name: "X-Scope-OrgID", valueFromSecretRef: { name: "tenant", key: "token" } }];
  const found = await sources.find(
    { namespace: "search", name: "shop" },
    { url, headers },
    new AbortController().signal,
  );
  const answer = found.kind === "Source" ? await found.prometheus.query("up", 0, 1000) : found;
  expect(answer).toMatchObject({ kind: "SourceError", message: expect.stringContaining("header") });
  expect(JSON.stringify(answer)).not.toContain("cret");
  await sources.close();
});

describe("the allow-list of Prometheus URLs", () => {
  const allowed = ["http://prometheus.monitoring:9090", "https://thanos.example/query"];
  it.each([
    ["http://prometheus.monitoring:9090", true],
    ["http://prometheus.monitoring:9090/prefix", true],
    ["https://thanos.example/query", true],
    ["https://thanos.example/query/team", true],
    ["https://thanos.example/queryother", false],
    ["https://thanos.example/", false],
    ["https://prometheus.monitoring:9090", false],
    ["http://prometheus.monitoring:9091", false],
    ["http://prometheus.monitoring.evil:9090", false],
    ["http://prometheus.monitoring:9090@evil", false],
    ["http://user:secret@prometheus.monitoring:9090", false],
    ["https://thanos.example/query/../admin", false],
    ["nonsense", false],
  ])("%s: %s", (url, expected) => {
    expect(isAllowed(url, allowed)).toBe(expected);
  });
  it("that is empty allows nothing", () => {
    expect(isAllowed("http://prometheus:9090", [])).toBe(false);
  });
});
