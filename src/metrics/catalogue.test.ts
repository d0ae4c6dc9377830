import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { alertRules } from "./alert-rules.ts";
import { allMetrics, catalogue } from "./catalogue.ts";
import { grafanaDashboard } from "./dashboard.ts";

const exposed = new Set(
  allMetrics.flatMap(({ name, type }) =>
    type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);
const namesIn = (text: string): string[] => [...text.matchAll(/evenkeel_\w+/g)].map(([name]) => name);

describe("the catalogue", () => {
  it("defines each name once", () => {
    const names = allMetrics.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(allMetrics.map((metric) => [metric.name, metric] as const))("%s follows the conventions", (name, metric) => {
    expect(name).toMatch(/^evenkeel_[a-z0-9]+(_[a-z0-9]+)*$/);
    expect(name.endsWith("_total")).toBe(metric.type === "counter");
    // promtool: no abbreviated or scaled units, no reserved suffixes.
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|hours|percent|kilobytes|megabytes|bucket|sum|count)(_|$)/);
    expect(metric.help).toMatch(/^[A-Z0-9].*\.$/);
    expect(new Set(metric.labels).size).toBe(metric.labels.length);
    for (const label of metric.labels) expect(label).toMatch(/^[a-z]+$/);
    expect([...(metric.buckets ?? [])].sort((a, b) => a - b)).toEqual(metric.buckets ?? []);
    expect(metric.buckets !== undefined).toBe(metric.type === "histogram");
  });

  it("has units where the name says so", () => {
    expect(catalogue.gateway.requestDuration.unit).toBe("seconds");
    expect(catalogue.operator.gpuTime.unit).toBe("seconds");
    expect(catalogue.gateway.weight.unit).toBe("ratio");
    expect(catalogue.gateway.requests.unit).toBe("none");
  });
});

describe("what the processes export", () => {
  const exporters = { gateway: "gateway", monitor: "gateway", operator: "operator" } as const satisfies Record<
    keyof typeof catalogue,
    string
  >;

  it.each(Object.entries(exporters))("has all metrics of the part %s, set in src/%s", (part, folder) => {
    const source = globSync(`${import.meta.dirname}/../${folder}/**/*.ts`, { exclude: ["**/*.test.ts"] })
      .map((file) => readFileSync(file, "utf8"))
      .join("\n");
    const definitions = new Map(Object.entries(catalogue)).get(part) ?? {};
    const unset = Object.keys(definitions).filter(
      (key) => !new RegExp(`\\b${key}\\.(?:inc|set|observe)\\(`).test(source),
    );
    expect(unset).toEqual([]);
  });
});

describe("what is generated from it", () => {
  const rules = alertRules(catalogue).groups.flatMap((group) => group.rules);
  const panels = grafanaDashboard(catalogue).panels;
  const queries = panels.flatMap(({ targets }) => targets ?? []);

  it("names only metrics that exist", () => {
    for (const { expr } of [...rules, ...queries]) {
      const names = namesIn(expr);
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) expect(exposed).toContain(name);
    }
  });

  it("shows every signal in an alert, each alert once", () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const signal of ["RepresentationDrift", "ShiftFromBaseline", "AdversarialAnomaly", "ModelChanged"]) {
      expect(rules.filter(({ expr }) => expr.includes(`signal="${signal}"`))).toHaveLength(1);
    }
  });

  it("lays panels side by side, none over another, each with its own id", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const a of panels) {
      expect(a.gridPos.x + a.gridPos.w).toBeLessThanOrEqual(24);
      for (const b of panels) {
        const apart =
          a === b ||
          a.gridPos.x + a.gridPos.w <= b.gridPos.x ||
          b.gridPos.x + b.gridPos.w <= a.gridPos.x ||
          a.gridPos.y + a.gridPos.h <= b.gridPos.y ||
          b.gridPos.y + b.gridPos.h <= a.gridPos.y;
        expect(apart, `${a.title} and ${b.title}`).toBe(true);
      }
    }
  });

  it("asks for one service in every panel", () => {
    for (const { expr } of queries) expect(expr).toContain('namespace="$namespace",service="$service"');
  });
});
