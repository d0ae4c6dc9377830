import { describe, expect, it } from "vitest";
import { comparable, differences } from "./end-state.ts";

const uid = (digit: number): string => `${digit}`.repeat(8) + "-aaaa-bbbb-cccc-dddddddddddd";

function rollout(digit: number, { namespace = "kill-a", status = {}, env = "second", cause = "a" } = {}) {
  return {
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "ModelRollout",
    metadata: {
      name: `shop-${cause.repeat(10)}`,
      namespace,
      uid: uid(digit),
      resourceVersion: `${digit}`,
      creationTimestamp: `2026-11-24T08:00:0${digit}Z`,
    },
    spec: { template: { spec: { containers: [{ name: "main", env: [{ name: "MODEL_URI", value: env }] }] } } },
    status: { reason: "GatesPassed", gates: [{ name: "clean", verdict: "Pass", value: 0.01 }], ...status },
  };
}
const rollouts = (...items: readonly ReturnType<typeof rollout>[]) => comparable("modelrollouts", items, "kill-a");
const one = rollouts(rollout(1));
const key = "/modelrollouts/shop-CAUSE";

describe("two ends", () => {
  it("are the same but for times, UIDs and the names of their namespaces", () => {
    expect(differences(comparable("modelrollouts", [rollout(2, { namespace: "kill-b" })], "kill-b"), one)).toEqual([]);
  });

  it("are the same whatever the status counts or has looked at last", () => {
    expect(
      differences(rollouts(rollout(1, { status: { heldFor: 3, verdict: "NoData", analysis: [{}] } })), one),
    ).toEqual([]);
  });

  it("are the same whatever time a list in the status counts", () => {
    const retraining = (gpuSeconds: number, name: string) =>
      comparable("retrainings", [rollout(1, { status: { train: { name, pods: [{ gpuSeconds }] } } })], "kill-a");
    expect(differences(retraining(1, "train"), retraining(2, "train"))).toEqual([]);
    expect(differences(retraining(1, "train"), retraining(1, "other"))).toHaveLength(1);
  });

  it.each([
    ["a field of the spec, whatever its name", { env: "first" }, "/0/spec/template/spec/containers/0/env/0/value"],
    ["a reason", { status: { reason: "GatesFailed" } }, "/0/status/reason"],
    [
      "a gate's verdict",
      { status: { gates: [{ name: "clean", verdict: "Fail", value: 0.01 }] } },
      "/0/status/gates/0/verdict",
    ],
    [
      "a gate's value",
      { status: { gates: [{ name: "clean", verdict: "Pass", value: 0.5 }] } },
      "/0/status/gates/0/value",
    ],
  ])("differ in %s", (_, change, path) => {
    expect(differences(rollouts(rollout(1, change)), one)).toEqual([expect.stringContaining(`${key}${path}: `)]);
  });

  it("differ when one has a rollout more, of another cause too", () => {
    expect(differences(rollouts(rollout(1), rollout(2, { cause: "b" })), one)).toEqual([
      expect.stringContaining(`${key}/1: `),
    ]);
  });
});
