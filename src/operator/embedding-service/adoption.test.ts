import { describe, expect, it } from "vitest";
import { decide } from "./decide.ts";
import { isSeeding } from "./status.ts";
import { type Change, digest, model, now, rollout, slots, spec, uri, workload, world } from "./world.fixture.ts";

describe("adoption", () => {
  it("takes what runs as the first version, and as what it is compared with", () => {
    const {
      retraining: answer,
      status,
      said,
    } = decide(
      world({ status: { activeVersion: undefined, baselineVersion: undefined, firstVersion: undefined } }),
      now,
    );
    expect(answer).toEqual({ kind: "Adopt", model: model("a") });
    expect(status).toMatchObject({ activeVersion: model("a"), baselineVersion: model("a"), firstVersion: model("a") });
    expect(said).toMatchObject([{ kind: "VersionAdopted", facts: { digest: digest("a"), before: "" } }]);
  });

  it("takes over a model that somebody put in place by hand; what is proven stays the baseline", () => {
    const { status } = decide(world({ workload: workload(uri("c")) }), now);
    expect(status).toMatchObject({ activeVersion: model("c"), baselineVersion: model("a"), firstVersion: model("a") });
  });

  it("waits until a pod serves it; until then what was active goes on to be", () => {
    const unready = { rolling: "UnderWay", readyReplicas: 2, readyOfTemplate: 0 } as const;
    const first = { activeVersion: undefined, baselineVersion: undefined, firstVersion: undefined };
    const answer = decide(world({ status: first, workload: workload("hub/model", unready) }), now);
    expect(answer.retraining).toMatchObject({
      kind: "Wait",
      reason: "WorkloadNotReady",
      message: "0 of 2 pods are ready with hub/model",
    });
    expect(answer.status.baselineVersion).toBeUndefined();
    expect(answer.said).toEqual([]);
    const edited = decide(world({ workload: workload(uri("c"), unready) }), now);
    expect(edited.retraining).toMatchObject({ kind: "Wait", reason: "WorkloadNotReady" });
    expect(edited.status.activeVersion).toEqual(model("a"));
    const served = workload(uri("c"), { ...unready, readyOfTemplate: 1 });
    expect(decide(world({ workload: served }), now).status.activeVersion).toEqual(model("c"));
  });

  it("leaves a changed field to the rollout that has its hands on it", () => {
    for (const phase of ["Promoting", "Watching", "RollingBack"]) {
      const { status } = decide(
        world({
          workload: workload(uri("c")),
          rollout: rollout(phase),
          status: { ...slots(), activeVersion: model(phase === "Watching" ? "b" : "a") },
        }),
        now,
      );
      expect(status.activeVersion?.digest).not.toBe(digest("c"));
    }
  });

  it("hashes a URI that pins nothing", () => {
    const { status } = decide(world({ workload: workload("hub/model") }), now);
    expect(status.activeVersion?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it.each([
    ["WorkloadMissing", { workload: null }],
    ["ContainerMissing", { workload: workload(null, { field: { kind: "NoContainer" } }) }],
    ["FieldIndirect", { workload: workload(null, { field: { kind: "Indirect" } }) }],
    ["ModelMissing", { workload: workload(null), status: { activeVersion: undefined } }],
  ] satisfies [string, Change][])("says %s, and waits for the user", (reason, change) => {
    const { retraining: answer, status } = decide(world(change), now);
    expect(answer).toMatchObject({ kind: "Stalled", reason });
    expect(status.phase).toBe("Stalled");
    expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({ status: "True", reason });
  });

  const initial = { model: { ...spec.model, initial: uri("c") } };

  it("gives an empty field its first value while no version is active", () => {
    const change = { workload: workload(null), spec: initial, status: { activeVersion: undefined } };
    expect(decide(world(change), now).retraining).toEqual({ kind: "Seed", from: "Initial", uri: uri("c") });
    const { status, said } = decide(world(change), now);
    expect(said.map(({ kind }) => kind)).toEqual(["ModelSeeded"]);
    expect(isSeeding(world(change).service, uri("c"))).toBe(false);
    // It is done once it is saved, and said once.
    const saved = world({ ...change, status });
    expect(isSeeding(saved.service, uri("c"))).toBe(true);
    expect(decide(saved, now).said).toEqual([]);
  });

  it.each([
    ["an initial one", initial],
    ["none", {}],
  ])("puts the active version back into a field that was emptied, with %s in the spec", (_, specChange) => {
    const decision = decide(world({ workload: workload(null), spec: specChange }), now);
    expect(decision.retraining).toEqual({ kind: "Seed", from: "Active", uri: uri("a") });
    expect(decision.said).toMatchObject([{ kind: "ModelRestored", facts: { uri: uri("a") } }]);
    expect(decision.status.activeVersion).toEqual(model("a"));
  });

  it.each([
    ["nothing while the rollout has yet to see it", "Watching", "", "b", null],
    ["the active version while the rollout has not begun", "Pending", "", "a", "a"],
    ["the version that is gone back to", "RollingBack", "AnalysisFailed", "b", "a"],
    [
      "the promoted version, when it was the lost value that ended its watch",
      "RollingBack",
      "FieldContested",
      "b",
      "b",
    ],
  ])("puts into a field that was emptied meanwhile: %s", (_, phase, reason, active, expected) => {
    const under = rollout(phase, { status: { reason } });
    const status = { ...slots(), activeVersion: model(active) };
    const answer = decide(world({ workload: workload(null), rollout: under, status }), now).retraining;
    expect(answer.kind === "Seed" ? answer.uri : null).toBe(expected === null ? null : uri(expected));
  });
});
