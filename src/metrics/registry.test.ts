import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { catalogue } from "./catalogue.ts";
import { instruments, processRegistry } from "./registry.ts";

describe("instruments", () => {
  it("registers every metric of a part under its name, help and type", () => {
    for (const part of Object.values(catalogue)) {
      const registry = new Registry();
      instruments(part, registry);
      const registered = registry.getMetricsAsArray().map(({ name, help, type }) => `${type} ${name} ${help}`);
      expect(registered).toEqual(Object.values(part).map(({ name, help, type }) => `${type} ${name} ${help}`));
    }
  });

  it("gives typed instruments that count", async () => {
    const registry = new Registry();
    const { requests, mirrorCosine, protectionActive } = instruments(catalogue.gateway, registry);
    const model = { namespace: "search", service: "products", model: "sha256:ab" };
    requests.inc({ ...model, pool: "stable", code: "200" });
    mirrorCosine.observe(model, 0.97);
    protectionActive.set({ namespace: "search", service: "products" }, 1);
    const text = await registry.metrics();
    expect(text).toContain(
      'evenkeel_gateway_requests_total{namespace="search",service="products",model="sha256:ab",pool="stable",code="200"} 1',
    );
    expect(text).toContain(
      'evenkeel_gateway_mirror_cosine_sum{namespace="search",service="products",model="sha256:ab"} 0.97',
    );
    expect(text).toContain('evenkeel_gateway_protection_active{namespace="search",service="products"} 1');
  });

  it("refuses labels that are not the metric's", () => {
    const { requests } = instruments(catalogue.gateway, new Registry());
    // @ts-expect-error the label is not one of the metric's
    expect(() => requests.inc({ region: "eu" })).toThrow(/region/);
  });

  it("registers no name twice", () => {
    const registry = new Registry();
    instruments(catalogue.operator, registry);
    expect(() => instruments(catalogue.operator, registry)).toThrow(/already been registered/);
  });

  it("a process registry has Node's own metrics", async () => {
    expect(await processRegistry().metrics()).toContain("nodejs_eventloop_lag_seconds");
  });
});
