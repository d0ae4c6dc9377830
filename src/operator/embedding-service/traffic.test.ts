import { describe, expect, it } from "vitest";
import { decide } from "./decide.ts";
import { type Change, cause, model, now, run, spec, uri, workload, world } from "./world.fixture.ts";

describe("traffic that a drift's run could accept", () => {
  const capture = (state: "On" | "Off", then = "Retrain") => ({
    dataset: { ...spec.dataset, traffic: { capture: state } },
    triggers: [{ name: "drift", signal: "RepresentationDrift", then }],
  });
  const snapshot = { uri: uri("9"), samples: 500, from: "", to: "" };
  const gates = [{ name: "clean", metric: "CleanAccuracy", test: "NonInferiority" }];
  it.each<[string, Change, string, string]>([
    ["is there", { spec: capture("On"), snapshot }, "True", "Captured"],
    ["is not captured", { spec: capture("Off") }, "False", "NoTrafficData"],
    ["is not there yet", { spec: capture("On") }, "False", "NoTrafficData"],
    ["is judged by no gate", { spec: { ...capture("On"), gates }, snapshot }, "False", "NoTrafficData"],
    ["is asked for by no trigger", { spec: capture("Off", "Report") }, "True", "NotNeeded"],
  ])("%s: that is said before there is a drift", (_, change, status, reason) => {
    const { conditions } = decide(world(change), now).status;
    expect(conditions.find(({ type }) => type === "TrafficAvailable")).toMatchObject({ status, reason });
  });

  const active = { activeVersion: model("b") };
  const answered = (change: Change = {}): Change => ({
    spec: capture("Off"),
    status: active,
    workload: workload(uri("b")),
    runs: [run("Published", { status: { modelVersion: model("b").name } })],
    causes: [cause({ id: "another" })],
    ...change,
  });
  it("is missing: the first run goes ahead, and no second one from the same data for the alarm that comes back", () => {
    expect(decide(world({ spec: capture("Off"), causes: [cause()] }), now).retraining.kind).toBe("Record");
    const { retraining: answer, status } = decide(world(answered()), now);
    expect(answer).toMatchObject({ kind: "Wait", reason: "NoTrafficData" });
    expect(status.holding?.message).toContain("dataset.traffic.capture is Off");
  });

  it.each<[string, Change]>([
    ["the dataset has changed", { causes: [cause({ id: "another", dataDigest: "d2" })] }],
    ["traffic is captured now", { spec: capture("On"), snapshot }],
    ["another trigger fires", { causes: [cause({ id: "another", trigger: "zero-results" })] }],
    ["it is an attack", { causes: [cause({ id: "another", class: "Attack" })] }],
    ["the active version was made for something else", { runs: [run("Published", { cause: { trigger: "monthly" } })] }],
  ])("holds nothing back when %s", (_, change) => {
    expect(decide(world(answered(change)), now).retraining.kind).toBe("Record");
  });
});
