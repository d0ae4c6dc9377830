import { readdirSync, readFileSync } from "node:fs";
import { expect, it, vi } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { embeddingServiceSpec } from "../api/index.ts";
import type { Key } from "../kube/index.ts";
import { isAllowed, PrometheusSources } from "./prometheus-sources.ts";

const url = "http://prometheus.monitoring:9090";
const metadata = { uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-24T08:00:00Z" };

function make(tokens: Record<string, string>) {
  const get = async (_: unknown, { name, namespace = "" }: Key) => {
    const token = tokens[name];
    if (token === undefined) return null;
    const data = { token: Buffer.from(token).toString("base64") };
    return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace, ...metadata }, data };
  };
  const sources = new PrometheusSources({ get }, [url]);
  const find = async (name: string, namespace = "search") => {
    const wanted = { url, authorizationSecretRef: { name, key: "token" } };
    const found = await sources.find(namespace, wanted, new AbortController().signal);
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
  expect(urls).toHaveLength(3);
  expect(urls.filter((one) => !isAllowed(one, allow))).toEqual([]);
});
