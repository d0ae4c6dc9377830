import { describe, expect, it } from "vitest";
import {
  type Cause,
  type EmbeddingServiceStatus,
  embeddingServiceStatus,
  mostPending,
  retrainingSpec,
  threatModel,
} from "../../api/index.ts";
import { genesis, link } from "../../audit/index.ts";
import { rolloutFixture } from "../rollout.fixture.ts";
import { runFixture } from "../run.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import type { Workload } from "../workload.ts";
import { decide } from "./decide.ts";
import { protect } from "./protect.ts";
import { gatewayConfigOf, retrainingOf } from "./resources.ts";
import { restore } from "./restore.ts";
import { retrain } from "./retrain.ts";
import { isSeeding } from "./status.ts";
import type { Observed, SignalState } from "./world.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();
const digest = (character: string): string => `sha256:${character.repeat(64)}`;
const uri = (character: string): string => `store://models/shop@${digest(character)}`;
const model = (character: string) => ({
  name: `shop-${character.repeat(12)}`,
  digest: digest(character),
  uri: uri(character),
});

const spec = {
  workloadRef: { name: "embedder" },
  port: 8080,
  protocol: "OpenAI",
  model: { container: "main", env: "MODEL_URI" },
  store: { claimName: "store" },
  dataset: { reference: `store://data/shop@${digest("1")}`, evaluation: `store://data/eval@${digest("2")}` },
  monitoring: { prometheus: { url: "http://prometheus:9090" } },
  retraining: { threatModelRef: { name: "images" } },
};

const workload = (served: string | null, change: Partial<Workload> = {}): Workload => ({
  uid: "w",
  resourceVersion: "1",
  field: served === null ? { kind: "Empty" } : { kind: "Value", uri: served },
  inInitContainer: false,
  replicas: 2,
  readyReplicas: 2,
  readyOfTemplate: 2,
  rolling: "Complete",
  selector: { matchLabels: { app: "embedder" } },
  deployment: {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "embedder", uid: "w", resourceVersion: "1", creationTimestamp: ago(9e5) },
  },
  ...change,
});

const images = threatModel.parse({
  apiVersion: "evenkeel.dev/v1alpha1",
  kind: "ThreatModel",
  metadata: { name: "images", namespace: "search", generation: 1 },
  spec: {
    modality: "Image",
    perturbations: [{ name: "tilt", family: "Geometric", kind: "Benign", degrees: 15 }],
  },
  status: {
    observedGeneration: 1,
    hash: digest("3"),
    conditions: [{ type: "Ready", status: "True", reason: "Valid", message: "", lastTransitionTime: ago(100) }],
  },
});

const cause = (change: Partial<Cause> = {}): Cause => ({
  id: "0123456789",
  class: "Drift",
  trigger: "drift",
  value: 3,
  threshold: 2,
  query: "q",
  at: ago(0),
  dataDigest: "d1",
  ...change,
});

const signal = (
  then: SignalState["trigger"]["then"],
  verdict: SignalState["status"]["verdict"],
  held = verdict === "Fail",
): SignalState => ({
  trigger: { name: then === "Retrain" ? "drift" : "attack", signal: "RepresentationDrift", for: "0s", then },
  status: {
    name: then === "Retrain" ? "drift" : "attack",
    verdict,
    value: 3,
    threshold: 2,
    failingFor: 0,
    alarm: 1,
    message: "",
    reason: "",
    model: digest("a"),
  },
  held,
  learning: false,
  query: "q",
});

type Change = Partial<Omit<Observed, "service">> & {
  readonly status?: Partial<EmbeddingServiceStatus>;
  readonly spec?: object;
};

function world({ status = {}, spec: specChange = {}, ...change }: Change = {}): Observed {
  return {
    service: serviceFixture({
      spec: { ...spec, ...specChange },
      status: { activeVersion: model("a"), baselineVersion: model("a"), firstVersion: model("a"), ...status },
    }),
    trail: null,
    workload: workload(uri("a")),
    ownership: { kind: "Ours" },
    signals: [],
    schedules: [],
    source: null,
    store: null,
    threatModel: images,
    run: null,
    rollout: null,
    unreadable: { run: null, rollout: null, threatModel: null },
    waitingRuns: [],
    waitingRollouts: [],
    runs: [],
    rollouts: [],
    versions: [],
    snapshot: null,
    autocorrelation: null,
    config: null,
    gateway: { ready: 2, wanted: 2, trouble: null },
    gateways: [],
    causes: [],
    ...change,
  };
}

const run = (phase: string, change: { cause?: Partial<Cause>; status?: object; name?: string; spec?: object } = {}) =>
  runFixture({
    metadata: { name: change.name ?? "shop-0123456789" },
    spec: { cause: cause(change.cause), dataset: spec.dataset, ...change.spec },
    status: { phase, finishedAt: ago(5), ...change.status },
  });

const rollout = (phase: string, change: { reason?: string; spec?: object; name?: string; status?: object } = {}) =>
  rolloutFixture({
    metadata: { name: change.name ?? "shop-bbbbbbbbbbbb-1" },
    spec: {
      from: { version: model("a").name, digest: digest("a"), uri: uri("a") },
      to: { version: model("b").name, digest: digest("b"), uri: uri("b") },
      reason: change.reason ?? "Promotion",
      ...change.spec,
    },
    status: { phase, ...change.status },
  });

const spent = (causeClass: Cause["class"], at: string, gpuSeconds: number): Partial<EmbeddingServiceStatus> => ({
  ledger: [{ run: "x", class: causeClass, at, gpuSeconds }],
});

const slots = (phase = "Pending") => ({
  retraining: { name: "shop-0123456789", uid: "r", phase, gpuSeconds: 0 },
  rollout: {
    name: "shop-bbbbbbbbbbbb-1",
    uid: "o",
    phase,
    weight: 0,
    to: model("b"),
    retraining: "shop-0123456789",
    needsApproval: "",
  },
});

describe("the lists", () => {
  it("ask their rules in this order", () => {
    const order = (rules: readonly { name: string }[]) => rules.map(({ name }) => name);
    expect(order(protect)).toEqual(["endProtection", "keepProtecting", "protectOnAttack"]);
    expect(order(restore)).toEqual([
      "dropRepeatedRollback",
      "makeWayForRollback",
      "rollBackRequested",
      "rollOutRequested",
    ]);
    expect(order(retrain)).toEqual([
      "awaitTrail",
      "adoptCurrentModel",
      "watchOnly",
      "suspended",
      "awaitRollout",
      "awaitRetraining",
      "startRecordedCause",
      "untrainable",
      "retrainOnRequest",
      "retrainOnTrigger",
      "explainBadSchedule",
      "explainHeld",
      "explainOutdated",
    ]);
  });
});

describe("a trail that cannot be written", () => {
  const trail = { reason: "AuditNotWritten", message: "exceeded quota" };
  const waiting = (entries: number): Partial<EmbeddingServiceStatus> => ({
    audit: {
      ...serviceFixture().status.audit,
      seq: entries,
      pending: link(
        genesis,
        Array.from({ length: entries }, () => ({ kind: "A", subject: "s", at: ago(9), detail: "{}" })),
      ),
    },
  });
  const attack = [signal("ProtectAndRetrain", "Fail")];
  const active = { active: true, since: ago(9e5), quietSince: ago(9e5), trigger: "attack" };

  it("holds back retraining and promotion, and is what is said", () => {
    const drifted = world({ trail, signals: [signal("Retrain", "Fail")], causes: [cause()] });
    const { retraining, status, said } = decide(drifted, now);
    expect(retraining).toEqual({ kind: "Stalled", ...trail });
    expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({ status: "True", ...trail });
    expect(said).toEqual([]);
    const published = run("Published", { status: { bundle: uri("b") } });
    const { retraining: slot } = slots("Published");
    const proven = decide(world({ trail, run: published, runs: [published], status: { retraining: slot } }), now);
    expect(proven.status).toMatchObject({ retraining: slot, ledger: [] });
    expect(proven.status.rollout).toBeUndefined();
    const asked = rollout("Pending", { reason: "Manual", name: "asked" });
    expect(decide(world({ trail, waitingRollouts: [asked] }), now).restoration.kind).toBe("None");
  });

  it("holds back no start of protection, however many entries wait for it", () => {
    for (const entries of [0, mostPending - 1]) {
      const { protection, said } = decide(world({ trail, signals: attack, status: waiting(entries) }), now);
      expect(protection.kind).toBe("On");
      expect(said.map(({ kind }) => kind)).toEqual(["ProtectionStarted"]);
    }
  });

  it("lets no protection end: then it need not begin again", () => {
    const quiet = { signals: [signal("ProtectAndRetrain", "Pass")], status: { protection: active } };
    expect(decide(world(quiet), now).protection.kind).toBe("Off");
    expect(decide(world({ ...quiet, trail }), now).protection.kind).toBe("On");
  });

  it("holds back no rollback, nor what it activates", () => {
    const back = rollout("RolledBack", { status: { reason: "AnalysisFailed" } });
    const promoted = { activeVersion: model("b"), rollout: slots("Watching").rollout };
    const { status, said } = decide(world({ trail, rollout: back, rollouts: [back], status: promoted }), now);
    expect(status.activeVersion).toEqual(model("a"));
    expect(said.map(({ kind }) => kind)).toEqual(["VersionActivated"]);
    const asked = rollout("Pending", { reason: "Rollback", name: "asked" });
    expect(decide(world({ trail, waitingRollouts: [asked] }), now).restoration.kind).toBe("Begin");
  });

  it("leaves what there is no room for to be taken in later, and keeps that of protection", () => {
    const back = rollout("RolledBack", { status: { reason: "AnalysisFailed" } });
    const asked = rollout("Pending", { reason: "Rollback", name: "asked" });
    const full = { ...waiting(mostPending - 1), activeVersion: model("b"), rollout: slots("Watching").rollout };
    const held = world({
      trail,
      signals: attack,
      rollout: back,
      rollouts: [back],
      waitingRollouts: [asked],
      status: full,
    });
    const { status, said } = decide(held, now);
    expect(said.map(({ kind }) => kind)).toEqual(["ProtectionStarted"]);
    expect(status).toMatchObject({ activeVersion: model("b"), rollout: slots("Watching").rollout });
    expect(decide({ ...held, trail: null }, now).said.map(({ kind }) => kind)).toContain("VersionActivated");
  });
});

describe("what is there and cannot be read", () => {
  const problem = { reason: "Unreadable", message: "ModelRollout search/x is not as expected: status.phase" };
  const nothing = { run: null, rollout: null, threatModel: null };

  it("is not deleted: a run or a rollout that the status names stays named, and is waited for", () => {
    const { retraining: slot, rollout: move } = slots("Training");
    for (const [name, status] of [
      ["run", { retraining: slot, cause: cause() }],
      ["rollout", { rollout: move }],
    ] as const) {
      const held = decide(world({ unreadable: { ...nothing, [name]: problem }, causes: [cause()], status }), now);
      expect(held.retraining).toEqual({ kind: "Wait", ...problem, until: null });
      expect(held.status).toMatchObject(status);
      expect(held.said).toEqual([]);
      // Nor is one made that was named and not yet seen.
      const unmade = Object.fromEntries(Object.entries(status).map(([key, value]) => [key, { ...value, uid: "" }]));
      expect(decide(world({ unreadable: { ...nothing, [name]: problem }, status: unmade }), now).retraining.kind).toBe(
        "Wait",
      );
    }
  });

  it("keeps a run waiting when it is the threat model, and holds back no protection", () => {
    const unread = { threatModel: null, unreadable: { ...nothing, threatModel: problem } };
    const { retraining, protection } = decide(
      world({ ...unread, signals: [signal("ProtectAndRetrain", "Fail")] }),
      now,
    );
    expect(retraining).toMatchObject({ kind: "Wait", ...problem });
    expect(protection.kind).toBe("On");
  });
});

describe("the phase", () => {
  it("is Steady only of what serves", () => {
    expect(decide(world(), now).status.phase).toBe("Steady");
    const unready = { ...workload(uri("a")), readyReplicas: 0 };
    expect(decide(world({ workload: unready }), now).status.phase).toBe("Pending");
    expect(decide(world({ gateway: { ready: 0, wanted: 2, trouble: null } }), now).status.phase).toBe("Pending");
  });
});

describe("the gateway", () => {
  it("that is not ready is said with why one of its pods does not run", () => {
    const trouble = "Pod shop-gateway-x is Pending: Unschedulable: 0/3 nodes are available";
    const { conditions } = decide(world({ gateway: { ready: 1, wanted: 2, trouble } }), now).status;
    expect(conditions.find(({ type }) => type === "GatewayReady")).toMatchObject({
      status: "False",
      message: `1 of 2 pods are ready; ${trouble}`,
    });
  });
});

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

describe("protection", () => {
  const on = (quietSince?: string) => ({
    status: {
      protection: { active: true, since: ago(1000), trigger: "attack", ...(quietSince ? { quietSince } : {}) },
    },
  });

  it("begins when an attack has held, whatever holds retraining back", () => {
    const suspended = { ...spec.retraining, suspended: true };
    const {
      protection,
      retraining: answer,
      status,
      said,
    } = decide(
      world({
        signals: [signal("ProtectAndRetrain", "Fail")],
        spec: { retraining: suspended },
        status: spent("Drift", ago(1), 1),
      }),
      now,
    );
    expect(protection).toMatchObject({ kind: "On", trigger: "attack" });
    expect(answer).toMatchObject({ kind: "Wait", reason: "Suspended" });
    expect(status.phase).toBe("Protecting");
    expect(said.map(({ kind }) => kind)).toEqual(["ProtectionStarted"]);
  });

  it.each([
    ["a drift alone", [signal("Retrain", "Fail")], "Off"],
    ["an attack that has not held", [signal("Protect", "Fail", false)], "Off"],
  ])("does not begin for %s", (_, signals, kind) => {
    expect(decide(world({ signals }), now).protection.kind).toBe(kind);
  });

  it.each([
    ["still attacked", signal("Protect", "Fail"), ago(9999), "On", null],
    ["no data: an attacker may have silenced it", signal("Protect", "NoData"), ago(9999), "On", null],
    ["quiet only now", signal("Protect", "Pass"), undefined, "On", ago(0)],
    ["quiet, but not for long enough", signal("Protect", "Pass"), ago(899), "On", ago(899)],
    ["quiet for long enough", signal("Protect", "Pass"), ago(900), "Off", undefined],
  ])("%s", (_, state, quietSince, kind, expected) => {
    const { protection } = decide(world({ ...on(quietSince), signals: [state] }), now);
    expect(protection.kind).toBe(kind);
    expect(protection.kind === "On" ? protection.quietSince : undefined).toBe(expected);
  });
});

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

describe("a cause", () => {
  it("is saved before anything is made, with the name of its run", () => {
    const { retraining: answer, status, said } = decide(world({ causes: [cause()] }), now);
    expect(answer).toEqual({ kind: "Record", cause: cause() });
    expect(status.cause?.id).toBe("0123456789");
    expect(status.retraining).toEqual({ name: "shop-0123456789", uid: "", phase: "Pending", gpuSeconds: 0 });
    expect(said.map(({ kind }) => kind)).toEqual(["CauseRecorded"]);
  });

  const recorded = { cause: cause(), retraining: { ...slots().retraining, uid: "" } };
  it("has its run made once it is saved", () => {
    expect(decide(world({ status: recorded }), now).retraining).toEqual({
      kind: "Create",
      cause: cause(),
      model: model("a"),
    });
  });

  it("has no second run while the first is there", () => {
    const answer = decide(world({ status: recorded, run: run("Training"), causes: [cause({ id: "other" })] }), now);
    expect(answer.retraining).toMatchObject({ kind: "Wait", reason: "RetrainingUnderWay" });
    expect(answer.status.retraining).toEqual(slots("Training").retraining);
  });

  it("is not worked on twice, and again when its data has changed", () => {
    const lastCauses = [{ id: "0123456789", dataDigest: "d1", outcome: "Rejected", at: ago(99_999) }];
    expect(decide(world({ causes: [cause()], status: { lastCauses } }), now).retraining).toMatchObject({
      reason: "CauseWorkedOn",
    });
    const changed = cause({ id: "9876543210", dataDigest: "d2" });
    expect(decide(world({ causes: [changed], status: { lastCauses } }), now).retraining).toMatchObject({
      kind: "Record",
      cause: changed,
    });
  });

  it("of a schedule that cannot be read never comes, and that is said", () => {
    const trigger = { name: "odd", schedule: "99 3 1 * *", for: "0s", then: "Retrain" as const };
    const schedules = [{ trigger, due: null, next: null, problem: "minute 99 is not 0 to 59" }];
    const { status, retraining: answer } = decide(world({ schedules }), now);
    expect(answer).toMatchObject({ kind: "Stalled", reason: "InvalidSchedule" });
    expect(status.conditions.find(({ type }) => type === "Stalled")?.message).toContain("minute 99");
    expect(decide(world({ schedules, causes: [cause()] }), now).retraining.kind).toBe("Record");
  });

  it("of a schedule marks the instant as acted on", () => {
    const trigger = { name: "monthly", schedule: "0 3 1 * *", for: "0s", then: "Retrain" as const };
    const schedules = [{ trigger, due: now - 1000, next: now + 1e6, problem: null }];
    const due = cause({ class: "Schedule", trigger: "monthly" });
    const { status } = decide(world({ causes: [due], schedules, spec: { triggers: [trigger] } }), now);
    expect(status.schedules).toEqual([{ name: "monthly", expression: "0 3 1 * * UTC", lastScheduled: ago(1) }]);
  });

  it.each([
    ["suspended", "Suspended", { spec: { retraining: { ...spec.retraining, suspended: true } } }],
    ["cooling down", "CoolingDown", { status: spent("Drift", ago(6 * 3600 - 1), 1) }],
    ["over budget", "OverBudget", { status: spent("Drift", ago(7 * 3600), 32.01 * 3600) }],
    ["circuit open", "CircuitOpen", { status: { failures: [{ class: "Drift", count: 3, generation: 1 }] } }],
    [
      "a rollout under way",
      "RolloutUnderWay",
      { status: { rollout: slots().rollout }, rollout: rollout("Progressing") },
    ],
  ] satisfies [string, string, Change][])("waits while %s", (_, reason, change) => {
    expect(decide(world({ ...change, causes: [cause()] }), now).retraining).toMatchObject({ kind: "Wait", reason });
  });

  it.each([
    ["cooled down", { status: spent("Drift", ago(6 * 3600), 1) }],
    ["the budget just fits", { status: spent("Drift", ago(7 * 3600), 32 * 3600) }],
    ["what was spent is older than the period", { status: spent("Drift", ago(7 * 86_400), 1e6) }],
    ["attacks cool down, and have used up their own budget", { status: spent("Attack", ago(60), 1e6) }],
    ["the circuit of another class is open", { status: { failures: [{ class: "Attack", count: 3, generation: 1 }] } }],
    ["the user has changed the service since", { status: { failures: [{ class: "Drift", count: 3, generation: 0 }] } }],
    [
      "a rollout only watches",
      {
        status: { rollout: slots().rollout, activeVersion: model("b") },
        rollout: rollout("Watching"),
        workload: workload(uri("b")),
      },
    ],
  ] satisfies [string, Change][])("goes on: %s", (_, change) => {
    expect(decide(world({ ...change, causes: [cause()] }), now).retraining).toMatchObject({ kind: "Record" });
  });

  it("of a class that is held back does not hold back another's", () => {
    const attack = cause({ id: "a000000000", class: "Attack", trigger: "attack" });
    const failures = [{ class: "Attack" as const, count: 3, generation: 1 }];
    expect(decide(world({ causes: [attack, cause()], status: { failures } }), now).retraining).toMatchObject({
      kind: "Record",
      cause: cause(),
    });
  });

  it.each([
    ["FieldOwnedBy", { ownership: { kind: "OwnedBy", managers: ["helm"] } }],
    ["StoreNotShared", { store: { kind: "Stalled", reason: "StoreNotShared", message: "" } }],
    ["ModelNotTrainable", { workload: workload("hub/m"), status: { activeVersion: { ...model("c"), uri: "hub/m" } } }],
    ["ThreatModelMissing", { threatModel: null }],
    ["ThreatModelUnfit", { threatModel: { ...images, spec: { ...images.spec, modality: "Vector" } } }],
    [
      "ThreatModelInvalid",
      {
        threatModel: {
          ...images,
          status: {
            ...images.status,
            conditions: images.status.conditions.map((one) => ({ ...one, status: "False" as const })),
          },
        },
      },
    ],
  ] satisfies [string, Change][])("stalls with %s, saved or not", (reason, change) => {
    expect(decide(world({ ...change, causes: [cause()] }), now).retraining).toMatchObject({ kind: "Stalled", reason });
    const saved = { ...change, status: { ...recorded, ...("status" in change ? change.status : {}) } };
    expect(decide(world(saved), now).retraining).toMatchObject({ kind: "Stalled", reason });
  });

  it("waits for a store that will be bound, and says so of the whole service", () => {
    const store = { kind: "Wait", reason: "StoreUnbound", message: "PersistentVolumeClaim store is Pending" } as const;
    const { status, retraining: answer } = decide(world({ store, causes: [cause()] }), now);
    expect(answer).toMatchObject({ kind: "Wait", reason: "StoreUnbound" });
    expect(status.conditions.find(({ type }) => type === "StoreReady")).toMatchObject({
      status: "False",
      reason: "StoreUnbound",
      message: "PersistentVolumeClaim store is Pending",
    });
    expect(status.phase).toBe("Steady");
  });

  it("retrains a model outside the store with an image of the user's, as what it is compared with too", () => {
    const foreign = { ...model("c"), uri: "hub/m" };
    const trainer = { image: "mine", evaluation: "Image" };
    const observed = world({
      workload: workload("hub/m"),
      status: { ...recorded, activeVersion: foreign, baselineVersion: foreign },
      spec: { retraining: { ...spec.retraining, trainer } },
    });
    expect(decide(observed, now).retraining).toMatchObject({ kind: "Create", model: foreign });
    const made = retrainingOf(observed, images, cause(), foreign).spec;
    expect(retrainingSpec.parse(made)).toMatchObject({
      parent: { digest: foreign.digest, uri: "hub/m" },
      baseline: { digest: foreign.digest, uri: "hub/m" },
      trainer,
    });
  });

  it.each([
    ["no pod that gives its vectors", 0, 3, "False"],
    ["a pod", 1, 3, "True"],
    ["no pod, by an older configuration", 0, 2, "True"],
  ])("is not ready while every gateway has %s", (_, pods, generation, ready) => {
    const config = gatewayConfigOf(world().service, world().service.status, workload(uri("a")), null);
    const report = { generation, ready: true, pods: { [digest("a")]: pods }, at: ago(1) };
    const { status } = decide(
      world({ config: config && { ...config, generation: 3 }, gateways: [{ name: "g", exists: true, report }] }),
      now,
    );
    expect(status.conditions.find(({ type }) => type === "Ready")?.status).toBe(ready);
    expect(status.phase === "Pending").toBe(ready === "False");
  });

  it("tells who owns the field", () => {
    const { status } = decide(world({ ownership: { kind: "OwnedBy", managers: ["helm"] } }), now);
    expect(status.conditions.find(({ type }) => type === "Promotable")).toMatchObject({
      status: "False",
      reason: "FieldOwnedBy",
    });
    expect(status.conditions.find(({ type }) => type === "Promotable")?.message).toBe(
      "MODEL_URI of the workload is owned by helm: to free it, leave the value of MODEL_URI out of the manifest that helm " +
        "applies, and apply it; the active version is then put back",
    );
  });
});

describe("a run made by hand", () => {
  const waiting = { waitingRuns: [run("Pending", { name: "by-hand", cause: { class: "Manual" } })] };
  it("is accepted by name and skips only the cooldown", () => {
    const { status, retraining: answer } = decide(world({ ...waiting, status: spent("Manual", ago(1), 1) }), now);
    expect(answer.kind).toBe("Accept");
    expect(status.retraining).toEqual({ name: "by-hand", uid: "r", phase: "Pending", gpuSeconds: 0 });
  });
  it.each([
    ["Suspended", { spec: { retraining: { ...spec.retraining, suspended: true } } }],
    ["CircuitOpen", { status: { failures: [{ class: "Manual", count: 3, generation: 1 }] } }],
    ["OverBudget", { status: spent("Manual", ago(60), 1e6) }],
  ] satisfies [string, Change][])("waits: %s", (reason, change) => {
    expect(decide(world({ ...waiting, ...change }), now).retraining).toMatchObject({ kind: "Wait", reason });
  });
  it.each([
    ["GPUs", { placement: { gpus: 64 }, maxDuration: "2h" }],
    ["time", { placement: { gpus: 1 }, maxDuration: "30d" }],
  ])("has to fit into the budget with its own %s, not with the service's", (_, size) => {
    const waitingRuns = [run("Pending", { name: "by-hand", cause: { class: "Manual" }, spec: size })];
    const { retraining: answer } = decide(world({ waitingRuns }), now);
    expect(answer).toMatchObject({ kind: "Wait", reason: "OverBudget" });
    expect(answer.kind === "Wait" && answer.message).toContain("by-hand: ");
  });
  it("may be smaller than the service's, and fit where that would not", () => {
    const spec = { placement: { gpus: 1 }, maxDuration: "1h" };
    const waitingRuns = [run("Pending", { name: "by-hand", cause: { class: "Manual" }, spec })];
    const status = spent("Manual", ago(60), 34 * 3600);
    expect(decide(world({ waitingRuns, status }), now).retraining.kind).toBe("Accept");
  });
  it("that is held back holds back no other run, by hand or by a cause", () => {
    const held = spent("Manual", ago(60), 1e6);
    expect(decide(world({ ...waiting, status: held, causes: [cause()] }), now).retraining).toMatchObject({
      kind: "Record",
      cause: cause(),
    });
  });
  it("under the class of another cause is passed over: it would use up what that has", () => {
    const waitingRuns = [run("Pending", { name: "by-hand", cause: { class: "Drift" } })];
    expect(decide(world({ waitingRuns }), now).retraining.kind).toBe("Steady");
  });
  it("of a parent that has been replaced is passed over", () => {
    const status = { activeVersion: model("b") };
    const served = workload(uri("b"));
    expect(decide(world({ ...waiting, status, workload: served }), now).retraining.kind).toBe("Steady");
  });
});

describe("the end of a run", () => {
  const ended = (phase: string, status: object = {}) =>
    decide(
      world({
        status: { cause: cause(), retraining: slots().retraining },
        run: run(phase, {
          status: { train: { name: "t", gpuSeconds: 100 }, evaluate: { name: "e", gpuSeconds: 20 }, ...status },
        }),
      }),
      now,
    ).status;

  it.each([
    ["Published", 0],
    ["Rejected", 1],
    ["Failed", 1],
    ["Cancelled", 0],
  ])("%s is accounted once, in one write", (phase, failures) => {
    const status = ended(phase, { bundle: uri("b") });
    expect(status.retraining).toBeUndefined();
    expect(status.cause).toBeUndefined();
    expect(status.ledger).toEqual([{ run: "shop-0123456789", class: "Drift", at: ago(5), gpuSeconds: 120 }]);
    expect(status.lastCauses).toEqual([{ id: "0123456789", dataDigest: "d1", outcome: phase, at: ago(0) }]);
    expect(status.failures.map(({ count }) => count)).toEqual(failures === 0 ? [] : [1]);
  });

  it("names the rollout of what was published, before it is made", () => {
    expect(ended("Published", { bundle: uri("b") }).rollout).toEqual({ ...slots().rollout, uid: "" });
  });

  it("waits for the rollout that is there before its own takes the place", () => {
    const busy = world({
      status: { cause: cause(), retraining: slots().retraining, rollout: { ...slots().rollout, name: "forth" } },
      run: run("Published", { status: { bundle: uri("c") } }),
      rollout: rollout("Progressing", { name: "forth" }),
    });
    const { status } = decide(busy, now);
    expect(status.rollout?.name).toBe("forth");
    expect(status.retraining).toEqual({ ...slots().retraining, phase: "Published" });
    expect(status.ledger).toEqual([]);
  });

  it("rolls nothing out when its parent was replaced meanwhile: it proved nothing of what runs now", () => {
    const replaced = world({
      status: { cause: cause(), retraining: slots().retraining, activeVersion: model("c") },
      workload: workload(uri("c")),
      run: run("Published", { status: { bundle: uri("b") } }),
    });
    const { status, said } = decide(replaced, now);
    expect(status.rollout).toBeUndefined();
    expect(status.retraining).toBeUndefined();
    expect(status.lastCauses).toMatchObject([{ outcome: "Outdated" }]);
    expect(status.ledger).toHaveLength(1);
    expect(said).toMatchObject([{ kind: "RunOutdated", facts: { parent: digest("a"), active: digest("c") } }]);
  });

  describe("that was outdated when it was over", () => {
    const passed = run("Published", { status: { bundle: uri("b"), modelVersion: model("b").name } });
    const dropped = { id: cause().id, dataDigest: "d1", outcome: "Outdated", at: ago(60) };
    const after = (change: Change = {}) =>
      decide(
        world({
          workload: workload(uri("c")),
          runs: [passed],
          ...change,
          status: { activeVersion: model("c"), lastCauses: [dropped], ...change.status },
        }),
        now,
      );

    it("is told with what to do, as long as it is the newest and its version is not the active one", () => {
      expect(after().status.holding).toEqual({
        reason: "RunOutdated",
        message: expect.stringMatching(
          /^shop-\S+ passed its gates, .*: to have it all the same use `evenkeel promote shop shop-b{12}`$/,
        ),
      });
      const promoted = { workload: workload(uri("b")), status: { activeVersion: model("b") } };
      expect(after(promoted).status.holding).toBeUndefined();
      const newer = run("Published", { cause: { id: "9" } });
      expect(after({ runs: [passed, newer] }).status.holding).toBeUndefined();
    });

    it("is told at once, and holds no cause back", () => {
      const over = {
        status: { activeVersion: model("c"), cause: cause(), retraining: slots().retraining, lastCauses: [] },
        run: passed,
      };
      expect(after(over).status.holding?.reason).toBe("RunOutdated");
      expect(after({ causes: [cause({ id: "2" })], status: { ledger: [] } }).retraining.kind).toBe("Record");
    });
  });

  it("counts rollouts to the same version", () => {
    const before = rollout("RolledBack", { name: "shop-bbbbbbbbbbbb-4" });
    const observed = world({
      status: { retraining: slots().retraining },
      run: run("Published", { status: { bundle: uri("b") } }),
      rollouts: [before],
    });
    expect(decide(observed, now).status.rollout?.name).toBe("shop-bbbbbbbbbbbb-5");
  });

  it("that a person must approve is handed on", () => {
    expect(ended("Published", { bundle: uri("b"), needsApproval: "quarantined" }).rollout?.needsApproval).toBe(
      "quarantined",
    );
  });

  it("by hand's deletion is an end too, with the GPU time last seen, and its cause is not tried again", () => {
    const named = { cause: cause(), retraining: slots().retraining };
    const jobs = { train: { name: "t", gpuSeconds: 3600 }, evaluate: { name: "e", gpuSeconds: 60 } };
    const seen = decide(world({ status: named, run: run("Evaluating", { status: jobs }) }), now).status;
    expect(seen.retraining).toEqual({ ...slots("Evaluating").retraining, gpuSeconds: 3660 });
    const { status, said } = decide(world({ status: seen, causes: [cause()] }), now);
    expect(status.retraining).toBeUndefined();
    expect(status.lastCauses).toMatchObject([{ id: "0123456789", outcome: "Deleted" }]);
    expect(status.ledger).toEqual([{ run: "shop-0123456789", class: "Drift", at: ago(0), gpuSeconds: 3660 }]);
    expect(said.map(({ kind }) => kind)).toEqual(["RunDeleted"]);
  });

  it("never forgets GPU time, however many runs there were", () => {
    const ledger = Array.from({ length: 30 }, (_, n) => ({
      run: `${n}`,
      class: n % 2 ? ("Attack" as const) : ("Drift" as const),
      at: ago(1000 - n),
      gpuSeconds: 1,
    }));
    const { status } = decide(
      world({
        status: { ledger, retraining: slots().retraining },
        run: run("Failed", { status: { train: { name: "t", gpuSeconds: 7 } } }),
      }),
      now,
    );
    expect(status.ledger).toHaveLength(30);
    expect(status.ledger.reduce((sum, { gpuSeconds }) => sum + gpuSeconds, 0)).toBe(37);
    expect(embeddingServiceStatus.safeParse(status).success).toBe(true);
  });
});

describe("the end of a rollout", () => {
  const of = (phase: string, change: Change & { reason?: string; approvals?: object[] } = {}) =>
    decide(
      world({
        ...change,
        status: { rollout: slots().rollout, ...change.status },
        rollout: rollout(phase, {
          spec: { approvals: change.approvals ?? [] },
          status: { reason: change.reason ?? "" },
        }),
        runs: [run("Published", { status: { bundle: uri("b"), modelVersion: model("b").name } })],
      }),
      now,
    );

  it("makes the version active as soon as the workload has it, and spends the evaluation set", () => {
    const { status, said } = of("Watching", {
      workload: workload(uri("b")),
      status: { failures: [{ class: "Drift", count: 2, generation: 1 }] },
    });
    expect(status.activeVersion).toEqual(model("b"));
    expect(status.baselineVersion).toEqual(model("a"));
    expect(status.evaluationUses).toEqual([{ evaluation: spec.dataset.evaluation, uses: 1 }]);
    expect(status.failures).toEqual([]);
    expect(status.rollout?.phase).toBe("Watching");
    expect(said).toMatchObject([{ kind: "VersionActivated", facts: { digest: digest("b") } }]);
    const again = of("Watching", {
      workload: workload(uri("b")),
      status: { activeVersion: model("b"), evaluationUses: status.evaluationUses },
    });
    expect(again.status.evaluationUses).toEqual(status.evaluationUses);
    expect(again.said).toEqual([]);
  });

  it("spends the set that the run was measured on, whatever the service names since", () => {
    const dataset = { ...spec.dataset, evaluation: `store://data/newer@${digest("9")}` };
    const { status } = of("Watching", { workload: workload(uri("b")), spec: { dataset } });
    expect(status.evaluationUses).toEqual([{ evaluation: spec.dataset.evaluation, uses: 1 }]);
  });

  it("approved by a person makes it the baseline, once the watch is over", () => {
    const approved = { workload: workload(uri("b")), approvals: [{ by: "ada", at: ago(9) }] };
    const watching = of("Watching", approved);
    expect(watching.status).toMatchObject({ activeVersion: model("b"), baselineVersion: model("a") });
    const { status } = of("Promoted", approved);
    expect(status.baselineVersion).toEqual(model("b"));
    expect(status.rollout).toBeUndefined();
  });

  it.each([
    ["AnalysisFailed", 1, "RolledBack"],
    ["NoData", 1, "RolledBack"],
    ["Aborted", 0, undefined],
    ["FieldContested", 0, undefined],
  ])("by rollback with %s", (reason, failures, outcome) => {
    const { status } = of("RolledBack", { reason });
    expect(status.rollout).toBeUndefined();
    expect(status.activeVersion).toEqual(model("a"));
    expect(status.failures.map(({ count }) => count)).toEqual(failures === 0 ? [] : [1]);
    expect(status.lastCauses[0]?.outcome).toBe(outcome);
  });

  it("by rollback after promotion gives back the last good version", () => {
    const { status, said } = of("RolledBack", { reason: "AnalysisFailed", status: { activeVersion: model("b") } });
    expect(status.activeVersion).toEqual(model("a"));
    expect(said).toMatchObject([{ kind: "VersionActivated", facts: { digest: digest("a"), why: "AnalysisFailed" } }]);
  });

  describe("after promotion, of which somebody set the field to something else meanwhile", () => {
    const contested = (served: Partial<Workload>, field = uri("c"), reason = "FieldContested") =>
      of("RolledBack", { reason, status: { activeVersion: model("b") }, workload: workload(field, served) });
    const unready = { rolling: "UnderWay", readyReplicas: 2, readyOfTemplate: 0 } as const;

    it.each([
      ["a third value", uri("c"), "FieldContested"],
      ["the value before", uri("a"), "FieldContested"],
      ["a third value while it went back for another reason", uri("c"), "AnalysisFailed"],
    ])("leaves what pods serve active until one serves the new value: %s", (_, field, reason) => {
      const { status, said, retraining: answer } = contested(unready, field, reason);
      expect(status.rollout).toBeUndefined();
      expect(status.activeVersion).toEqual(model("b"));
      expect(said.map(({ kind }) => kind)).toEqual([]);
      expect(answer).toMatchObject({ kind: "Wait", reason: "WorkloadNotReady" });
      const told = gatewayConfigOf(world().service, status, workload(field, unready), null);
      expect(told?.routing.stable.digest).toBe(digest("b"));
    });

    it.each([
      ["a third value", "c"],
      ["the value before", "a"],
    ])("adopts what a pod serves: %s", (_, character) => {
      const { status, said } = contested({ ...unready, readyOfTemplate: 1 }, uri(character));
      expect(status.activeVersion).toEqual(model(character));
      expect(status.baselineVersion).toEqual(model("a"));
      expect(said).toMatchObject([{ kind: "VersionAdopted", facts: { before: digest("b") } }]);
    });
  });

  it("that never had its turn leaves the version active that it asked for", () => {
    const { status } = of("RolledBack", {
      reason: "NotActive",
      status: { activeVersion: model("b") },
      workload: workload(uri("b")),
    });
    expect(status.activeVersion).toEqual(model("b"));
  });

  it("takes no cause that was found of the model before", () => {
    expect(
      of("Watching", { workload: workload(uri("b")), causes: [cause({ id: "of-before0" })] }).retraining.kind,
    ).not.toBe("Record");
  });

  it("by its deletion frees the place", () => {
    const { status } = decide(world({ status: { rollout: slots().rollout } }), now);
    expect(status.rollout).toBeUndefined();
  });
});

describe("a rollout made by a person", () => {
  const back = rollout("Pending", { reason: "Rollback", name: "back" });
  const forth = rollout("Pending", { reason: "Manual", name: "forth" });
  const named = { status: { rollout: slots().rollout } };
  it("back aborts what is under way, then gets its turn", () => {
    const busy = { ...named, waitingRollouts: [back] };
    const forward = rollout("Progressing");
    expect(decide(world({ ...busy, rollout: forward }), now).restoration).toEqual({ kind: "Abort", rollout: forward });
    for (const goingBack of [rollout("Progressing", { spec: { abort: true } }), rollout("RollingBack")]) {
      expect(decide(world({ ...busy, rollout: goingBack }), now).restoration.kind).toBe("None");
    }
    expect(decide(world({ ...busy, rollout: rollout("RolledBack") }), now).restoration).toEqual({
      kind: "Begin",
      rollout: back,
    });
    const suspended = { ...spec.retraining, suspended: true };
    expect(decide(world({ waitingRollouts: [back], spec: { retraining: suspended } }), now).status.rollout?.name).toBe(
      "back",
    );
  });

  describe("back, while one goes back already", () => {
    const first = (phase: string, change: object = {}) => rollout(phase, { reason: "Rollback", spec: change });
    const restoration = (under: ReturnType<typeof rollout>, ...waiting: ReturnType<typeof rollout>[]) =>
      decide(world({ ...named, rollout: under, waitingRollouts: waiting, workload: workload(uri("a")) }), now)
        .restoration;

    it.each(["Pending", "Progressing", "Paused", "Promoting", "Watching"])(
      "to the same version is not needed, and does not end it: %s",
      (phase) => {
        expect(restoration(first(phase), back)).toEqual({ kind: "Abort", rollout: back });
        const dropped = rollout("Pending", { reason: "Rollback", name: "back", spec: { abort: true } });
        expect(restoration(first(phase), dropped).kind).toBe("None");
      },
    );

    it("to another version ends it, whatever else waits", () => {
      const c = { version: model("c").name, digest: digest("c"), uri: uri("c") };
      const further = rollout("Pending", { reason: "Rollback", name: "further", spec: { to: c } });
      const dropped = rollout("Pending", { reason: "Rollback", name: "back", spec: { abort: true } });
      const under = first("Progressing");
      expect(restoration(under, dropped, further)).toEqual({ kind: "Abort", rollout: under });
    });

    it("gets its turn after the first that was itself aborted", () => {
      expect(restoration(first("Progressing", { abort: true }), back).kind).toBe("None");
      expect(restoration(first("RollingBack"), back).kind).toBe("None");
      expect(restoration(first("RolledBack"), back)).toEqual({ kind: "Begin", rollout: back });
    });
  });

  describe("while another is named that the API server will not have", () => {
    const refused = { status: { rollout: { ...slots().rollout, uid: "" } } };

    it("back takes its place", () => {
      const { status, said } = decide(world({ ...refused, waitingRollouts: [back] }), now);
      expect(status.rollout).toMatchObject({ name: "back", uid: "o" });
      expect(said).toMatchObject([{ kind: "RolloutAccepted", facts: { insteadOf: "shop-bbbbbbbbbbbb-1" } }]);
    });

    it("forth waits", () => {
      expect(decide(world({ ...refused, waitingRollouts: [forth] }), now).restoration.kind).toBe("None");
    });

    it("a model put in place by hand is adopted, and what was measured against the one before is not rolled out", () => {
      const { status, said } = decide(world({ ...refused, workload: workload(uri("c")) }), now);
      expect(status.activeVersion).toEqual(model("c"));
      expect(status.rollout).toBeUndefined();
      expect(said).toMatchObject([{ kind: "VersionAdopted", facts: { insteadOf: "shop-bbbbbbbbbbbb-1" } }]);
    });
  });

  it("forth waits for what is under way", () => {
    const busy = { status: { rollout: slots().rollout }, waitingRollouts: [forth] };
    expect(decide(world({ ...busy, rollout: rollout("Progressing") }), now).restoration.kind).toBe("None");
    expect(decide(world({ waitingRollouts: [forth] }), now).restoration).toEqual({ kind: "Begin", rollout: forth });
  });
});
