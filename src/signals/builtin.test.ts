import { describe, expect, it } from "vitest";
import { allMetrics } from "../metrics/catalogue.ts";
import {
  alarmQuery,
  analysisMetrics,
  analysisQuery,
  builtInSignals,
  fillPlaceholders,
  signalFigures,
  signalQuery,
} from "./builtin.ts";

const scope = { namespace: "search", service: "products", model: "sha256:ab" };
const rollout = {
  namespace: "search",
  service: "products",
  stable: "sha256:aa",
  candidate: "sha256:bb",
  window: 60_000,
};
const stages = ["Mirror", "Weight", "Watch"] as const;

describe("built-in queries", () => {
  it.each(builtInSignals)("%s carries namespace, service and model", (signal) => {
    const matchers = 'namespace="search",service="products",model="sha256:ab"';
    expect(signalQuery(signal, scope)).toContain(matchers);
    expect(alarmQuery(signal, scope)).toBe(`max(evenkeel_monitor_alarm{${matchers},signal="${signal}"})`);
  });

  it("figures are metrics of the catalogue", () => {
    const names = allMetrics.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.values(signalFigures)));
  });

  it.each(analysisMetrics.flatMap((metric) => stages.map((stage) => ({ metric, stage }))))(
    "$metric of a $stage names only metrics of the catalogue and matches each by namespace and service",
    ({ metric, stage }) => {
      const names = new Set(
        allMetrics.flatMap(({ name, type }) =>
          type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
        ),
      );
      const { query, samplesQuery } = analysisQuery(metric, { ...rollout, stage });
      const selectors = [...`${query} ${samplesQuery}`.matchAll(/(evenkeel_\w+)(\{[^}]*\})?/g)];
      expect(selectors.length).toBeGreaterThan(1);
      for (const [, name, matchers] of selectors) {
        expect(names).toContain(name);
        expect(matchers).toContain('namespace="search",service="products",model="sha256:');
      }
    },
  );

  it("a label cannot end its matcher", () => {
    expect(alarmQuery("ModelChanged", { ...scope, model: 'x"} or up{a="\\' })).toContain(
      'model="x\\"} or up{a=\\"\\\\"',
    );
  });

  it("fills the placeholders of a user's query and leaves others alone", () => {
    const promql = 'rate(x{namespace="$namespace",model="$candidate"}[5m]) > $other and $stables';
    expect(fillPlaceholders(promql, rollout)).toBe(
      'rate(x{namespace="search",model="sha256:bb"}[5m]) > $other and $stables',
    );
  });
});
