import { expect, it } from "vitest";
import { rolloutFixture } from "../operator/rollout.fixture.ts";
import { serviceFixture } from "../operator/service.fixture.ts";
import { statusTree } from "./status-tree.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const at = new Date(now - 60_000).toISOString();
const paint = (_: string, text: string): string => text;

function treeOf(messages: readonly string[], condition = "") {
  const triggers = messages.map((_, i) => ({ name: `t${i}`, signal: "RepresentationDrift", then: "Report" }));
  const signals = messages.map((message, i) => ({ name: `t${i}`, verdict: "SourceError", message }));
  const said = { type: "SignalsAvailable", status: "False", reason: "PrometheusNotAllowed", lastTransitionTime: at };
  const conditions = condition === "" ? [] : [{ ...said, message: condition }];
  const service = serviceFixture({
    metadata: { creationTimestamp: at },
    spec: { triggers },
    status: { signals, conditions },
  });
  const view = { service, retrainings: [], rollouts: [], versions: [] };
  return statusTree(view, { now, paint, wide: false, withNamespace: false }).join("\n");
}

const timesIn = (text: string, part: string): number => text.split(part).length - 1;

it("a message that all triggers share is said once, and one of a trigger's own stays", () => {
  const tree = treeOf(["not on the list", "not on the list", "10 s"]);
  expect(timesIn(tree, "not on the list")).toBe(1);
  expect(timesIn(tree, "SourceError")).toBe(3);
  expect(tree).toContain("10 s");
});

it("what a condition says already no trigger says again", () => {
  expect(timesIn(treeOf(["timed out", "timed out"], "t0: timed out"), "timed out")).toBe(1);
  const tree = treeOf(["not on the list", "not on the list"], "not on the list");
  expect(timesIn(tree, "not on the list")).toBe(1);
  expect(tree).toContain("SignalsAvailable: PrometheusNotAllowed, not on the list");
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
