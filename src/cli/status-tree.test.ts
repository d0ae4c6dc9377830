import { expect, it } from "vitest";
import { rolloutFixture } from "../operator/rollout.fixture.ts";
import { serviceFixture } from "../operator/service.fixture.ts";
import { statusTree } from "./status-tree.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const at = new Date(now - 60_000).toISOString();
const paint = (_: string, text: string): string => text;

type Change = { readonly condition?: string; readonly phase?: string; readonly verdict?: string };

function treeOf(messages: readonly string[], { condition = "", phase, verdict = "SourceError" }: Change = {}) {
  const triggers = messages.map((_, i) => ({ name: `t${i}`, signal: "RepresentationDrift", then: "Report" }));
  const signals = messages.map((message, i) => ({ name: `t${i}`, verdict, message }));
  const said = { type: "SignalsAvailable", status: "False", reason: "PrometheusNotAllowed", lastTransitionTime: at };
  const conditions = condition === "" ? [] : [{ ...said, message: condition }];
  const service = serviceFixture({
    metadata: { creationTimestamp: at },
    spec: { triggers },
    status: { signals, conditions, phase },
  });
  const view = { service, retrainings: [], rollouts: [], versions: [] };
  return statusTree(view, { now, paint, wide: false, withNamespace: false }).join("\n");
}

it("each signal that knows nothing says why, also when others say the same, or a condition does", () => {
  const tree = treeOf(["timed out", "timed out", "10 s"], { condition: "t0: timed out" });
  expect(tree).toContain("SignalsAvailable: PrometheusNotAllowed, t0: timed out");
  expect(tree.match(/SourceError.*timed out/g)).toHaveLength(2);
  expect(tree).toMatch(/SourceError.*10 s/);
});

it.each([
  ["Learning", "NoData", /Learning: until a signal has a reference that is large enough, NoData is what it should say/],
  ["Steady", "NoData", /Steady: no signal fails; one that says NoData is neither a pass nor a fault/],
])("%s with %s is told to be right", (phase, verdict, expected) => {
  expect(treeOf(["the signal has no reference yet"], { phase, verdict })).toMatch(expected);
});

it.each([
  ["Steady", "Pass"],
  ["Stalled", "NoData"],
])("%s with %s needs no such words", (phase, verdict) => {
  expect(treeOf(["no alarm"], { phase, verdict })).not.toContain("NoData is");
});

it("counts are whole numbers, rounded down so that none passes for enough", () => {
  const analysis = [
    { name: "errors", verdict: "NoData", value: 0.123456, limit: 0.05, samples: 49.714285714285715, message: "" },
  ];
  const rollout = rolloutFixture({ status: { analysis } });
  const service = serviceFixture({ metadata: { creationTimestamp: at } });
  const view = { service, retrainings: [], rollouts: [rollout], versions: [] };
  const tree = statusTree(view, { now, paint, wide: true, withNamespace: false }).join("\n");
  expect(tree).toMatch(/errors +NoData +0\.123 of 0\.05 +n 49\b(?!\.)/);
});
