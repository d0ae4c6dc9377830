import { expect, it } from "vitest";
import { prometheusBegins } from "./prometheus-allow.ts";

it("collects begins of URLs", () => {
  const one = prometheusBegins("http://prometheus.monitoring:9090", []);
  expect(prometheusBegins("https://mimir/tenants/", one)).toEqual([
    "http://prometheus.monitoring:9090",
    "https://mimir/tenants/",
  ]);
});

it.each(["zzz", "prometheus:9090", "ftp://prometheus", "http://", "http://user@prometheus", "http://p/?a=b"])(
  "refuses %s",
  (value) => {
    expect(() => prometheusBegins(value, [])).toThrow(`${value} is no begin of an http or https URL`);
  },
);
