import { describe, expect, it } from "vitest";
import { beforeAfterChart, boundMark, epsilonChart } from "./charts.ts";
import { reportHtml } from "./html.ts";
import type { EvaluationReport } from "./schema.ts";

const none = { candidate: null, active: null, baseline: null };
const flat = { alignment: null, uniformity: null, effectiveRank: null, silhouette: null, localLipschitz: null };

function report(gates: EvaluationReport["gates"], run = "shop/run"): EvaluationReport {
  return {
    schema: "evenkeel.dev/evaluation/v1",
    run,
    at: "2026-11-24T08:00:00.000Z",
    backend: "cpu",
    seconds: 1,
    seed: 1,
    alpha: 0.025,
    evaluationData: "None",
    models: { candidate: "c", active: "a", baseline: "a", architecture: "vit", dimension: 8 },
    data: {
      source: "s",
      documents: 1,
      gate: { old: 1, shifted: 0, attacked: 0 },
      proof: { old: 0, shifted: 0 },
      overlap: 0,
      nearDuplicates: 0,
    },
    gates,
    accuracy: { clean: none, shifted: none, robust: none },
    shift: { effect: 1.15, residual: 0.31, explained: 0.93, samples: 2000 },
    proof: { clean: none, shifted: none, oldIndexRecall: none },
    index: {
      oldIndexRecall: none,
      newDocumentRecall: none,
      mixedIndexRecall: none,
      overlap: null,
      negativeFlips: null,
      mcnemar: null,
    },
    attacks: [],
    targets: [],
    geometry: { candidate: flat, active: flat, baseline: flat },
  };
}

function gate(
  verdict: "Pass" | "Warn" | "Fail" | "NoData",
  test = "NonInferiority",
): EvaluationReport["gates"][number] {
  const facts = { value: 0.9, bound: 0, p: 0.01, n: 10, needed: 5, message: "why" };
  return { name: `${test}-${verdict}`.toLowerCase(), ...facts, verdict, metric: "CleanAccuracy", test, limit: -0.02 };
}

describe("reportHtml", () => {
  it.each([
    [[gate("Pass"), gate("Pass", "Superiority")], "Proven better"],
    [[gate("Pass")], "No worse, not proven better"],
    [[gate("NoData"), gate("Pass", "Superiority")], "Not proven"],
    [[gate("Fail"), gate("NoData")], "Not to be promoted"],
  ])("says first what follows from the gates", (gates, head) => {
    expect(reportHtml(report(gates), { neighbours: [], attacks: [] })).toContain(head);
  });

  it("says how much of the live shift the labelled slice shows", () => {
    const html = reportHtml(report([gate("Pass")]), { neighbours: [], attacks: [] });
    expect(html).toContain("93%");
    expect(html).toContain("1.15 standard deviations, 0.31 unexplained");
  });

  it("escapes what comes from outside and asks for nothing from elsewhere", () => {
    const evil = `<script>alert("1")</script>`;
    const html = reportHtml(report([{ ...gate("Fail"), message: evil, note: evil }], evil), {
      neighbours: [],
      attacks: [],
    });
    expect(html).not.toContain("<script");
    expect(html).toContain("&#60;script&#62;");
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/https?:\/\//);
  });
});

describe("charts", () => {
  it("put a point where its numbers say: full accuracy at the top, the largest budget at the right", () => {
    const points = [
      { epsilon: 0, accuracy: 1 },
      { epsilon: 0.2, accuracy: 0 },
    ];
    const chart = epsilonChart([{ name: "a", color: "--after", points }], 0.1);
    expect(chart).toContain('points="46.0,14.0 388.0,240.0"');
  });

  it("say what was not measured instead of drawing 0", () => {
    expect(beforeAfterChart([{ name: "x", active: null, candidate: 0.5 }])).toContain("not measured");
  });

  it("mark a bound left or right of its limit", () => {
    const at = (svg: string): number => Number(/cx="([\d.]+)"/.exec(svg)?.[1]);
    expect(at(boundMark(-0.01, -0.02, true))).toBeGreaterThan(60);
    expect(at(boundMark(-0.03, -0.02, false))).toBeLessThan(60);
    expect(boundMark(null, 0, false)).toBe("");
  });
});
