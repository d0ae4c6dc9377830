import { describe, expect, it } from "vitest";
import { type ModelRolloutStatus, modelRolloutStatus } from "../../api/index.ts";
import type { LabelSelector } from "../label-selector.ts";
import { routeWanted } from "../route.ts";
import { advance } from "./advance.ts";
import { decide } from "./decide.ts";
import { mustRestoreField } from "./go-back.ts";
import { catchersOf, poolDeployment, poolPodLabels, poolsWanted, type Selecting } from "./resources.ts";
import { restore } from "./restore.ts";
import { a, at, b, type Change, pool, service, start, uri, workload, world } from "./world.fixture.ts";
import type { Analysis, Observed } from "./world.ts";

const analysis = (
  verdict: Analysis["verdict"],
  heldFor: number,
  failures = 0,
  seconds = 100,
  failed = failures,
): Analysis => ({
  at: start + seconds * 1000,
  verdict,
  checks: [
    { name: "errors", verdict, value: 0, limit: 0.01, samples: 100, failures, failed, message: "0.5 is above 0.01" },
  ],
  heldFor,
  heldTo: start + seconds * 1000,
});

const told = (weight: number, mirror: boolean, inForce = true): Pick<Observed, "routing"> => ({
  routing: { generation: 2, stable: a, candidate: { digest: b, weight, mirror }, inForce },
});

const next = (change: Change, seconds = 100) => decide(world(change), start + seconds * 1000);

describe("the lists", () => {
  it("ask their rules in this order", () => {
    expect(restore.map(({ name }) => name)).toEqual([
      "rollBackOrphaned",
      "rollBackRequested",
      "rollBackContested",
      "rollBackOutdated",
      "rollBackRegressed",
      "rollBackUnready",
      "rollBackUnknown",
    ]);
    expect(advance.map(({ name }) => name)).toEqual([
      "awaitTurn",
      "stallOnObstacle",
      "awaitTrail",
      "begin",
      "finishWatch",
      "watch",
      "completePromotion",
      "awaitWorkload",
      "pause",
      "awaitApproval",
      "resume",
      "awaitCandidate",
      "moveTraffic",
      "awaitGateways",
      "beginHold",
      "hold",
      "nextStep",
      "promote",
    ]);
  });
});

it("a rollout whose service cannot be read stands still in every phase, and says so", () => {
  const unreadable = { reason: "Unreadable", message: "EmbeddingService search/shop is not as expected" };
  for (const phase of ["Pending", "Progressing", "Paused", "Promoting", "Watching", "RollingBack"] as const) {
    const status = { phase, weight: 50, promotedAt: at(0), startedAt: at(0), stepEnteredAt: at(0) };
    const held = next({ unreadable, service: null, workload: null, routing: null, status }, 1e6);
    expect(held).toMatchObject({ status, said: [] });
    expect(held.status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({
      status: "True",
      ...unreadable,
    });
  }
});

describe("a trail that the service cannot write", () => {
  const problem = { reason: "AuditNotWritten", message: "exceeded quota" };
  const trail = { ...problem, since: start + 20_000 };
  const begun = { phase: "Progressing", startedAt: at(0), stepEnteredAt: at(0), stableReplicas: 3 } as const;
  const half = { ...begun, weight: 50, step: 1, stepStartedAt: at(10) };

  it("pauses what goes forth, so that no deadline passes, and lets it go on afterwards", () => {
    expect(next({ trail }).status.phase).toBe("Pending");
    const held = next({ trail, status: begun, candidate: pool(1) }, 30);
    expect(held).toMatchObject({ status: { phase: "Paused", mirror: false, stepEnteredAt: at(30) }, said: [] });
    const later = next({ trail, status: held.status, candidate: pool(1) }, 3600);
    expect(later).toMatchObject({ status: { phase: "Paused", stepEnteredAt: at(30) }, said: [] });
    expect(later.status.conditions.find(({ type }) => type === "Progressing")).toMatchObject(problem);
    expect(next({ status: later.status, candidate: pool(1) }, 3601).status.phase).toBe("Progressing");
  });

  it("is waited for, and is no pause yet, while it may be written soon", () => {
    const waiting = next({ trail, status: half, candidate: pool(2), ...told(50, false) }, 25);
    expect(waiting).toMatchObject({ status: { ...half, phase: "Progressing" }, said: [] });
    const passed = { candidate: pool(2), ...told(50, false), analysis: analysis("Pass", 20, 0, 25) };
    expect(next({ ...passed, trail, status: half }, 25).status.step).toBe(1);
    expect(next({ ...passed, status: half }, 25).status.step).toBe(2);
  });

  it("holds back no way back, at any weight", () => {
    const failed = { trail, candidate: pool(2), ...told(50, false), analysis: analysis("Fail", 5, 2) };
    for (const phase of ["Progressing", "Paused"] as const) {
      const back = next({ ...failed, status: { ...half, phase } });
      expect(back.status).toMatchObject({ phase: "RollingBack", weight: 0, reason: "AnalysisFailed" });
    }
    expect(next({ trail, status: { ...half, phase: "RollingBack", weight: 0 } }).status.phase).toBe("RolledBack");
  });

  it("holds back no rollback that a person asked for, and no promotion whose patch may be made", () => {
    expect(next({ trail, spec: { reason: "Rollback" } }).status.phase).toBe("Progressing");
    const promoting = { ...begun, phase: "Promoting", weight: 100 } as const;
    expect(next({ trail, status: promoting, workload: workload(uri(b)) }, 30).status.phase).toBe("Watching");
  });
});

describe("a rollout", () => {
  it("walks mirror, weights, promotion and watch, each once", () => {
    let status: ModelRolloutStatus = modelRolloutStatus.parse({});
    const kinds: string[] = [];
    const step = (change: Change, seconds: number): void => {
      const decision = next({ ...change, status }, seconds);
      // What is saved is what the API server gives back.
      status = modelRolloutStatus.parse(JSON.parse(JSON.stringify(decision.status)));
      kinds.push(...decision.said.map(({ kind }) => kind));
    };
    step({ service: service({ rollout: { name: "another", phase: "Pending" } }) }, 0);
    expect(status.phase).toBe("Pending");
    step({}, 1);
    expect(status).toMatchObject({ phase: "Progressing", step: 0, stableReplicas: 3, weight: 0, mirror: false });
    step({ candidate: pool(0, 1) }, 2);
    expect(status.weights).toEqual([]);
    step({ candidate: pool(1) }, 3);
    expect(status).toMatchObject({ weight: 0, mirror: true });
    step({ candidate: pool(1) }, 4);
    step({ candidate: pool(1), ...told(0, true, false) }, 5);
    expect(status.stepStartedAt).toBeUndefined();
    step({ candidate: pool(1), ...told(0, true) }, 6);
    expect(status.stepStartedAt).toBe(at(6));
    step({ candidate: pool(1), ...told(0, true), analysis: analysis("Pass", 9, 0, 16) }, 16);
    expect(status).toMatchObject({ step: 0, heldFor: 9 });
    step({ candidate: pool(1), ...told(0, true), analysis: analysis("Pass", 10, 0, 17) }, 17);
    expect(status).toMatchObject({ step: 1, heldFor: 0, weight: 0 });
    expect(status.stepStartedAt).toBeUndefined();
    step({ candidate: pool(1, 2), ...told(0, true) }, 18);
    expect(status.weight).toBe(0);
    step({ candidate: pool(2), ...told(0, true) }, 19);
    step({ candidate: pool(2), ...told(50, false) }, 20);
    step({ candidate: pool(2), ...told(50, false), analysis: analysis("Pass", 20, 0, 41) }, 41);
    step({ candidate: pool(3), ...told(50, false) }, 42);
    step({ candidate: pool(3), ...told(100, false) }, 43);
    step({ candidate: pool(3), ...told(100, false) }, 44);
    expect(status.phase).toBe("Promoting");
    step({ candidate: pool(3), workload: workload(uri(b), "UnderWay") }, 45);
    expect(status).toMatchObject({ phase: "Promoting", patched: true, weight: 100 });
    step({ candidate: pool(3), workload: workload(uri(b)) }, 46);
    expect(status).toMatchObject({ phase: "Watching", promotedAt: at(46) });
    const promoted = {
      workload: workload(uri(b)),
      service: service({ activeVersion: { name: "shop-b", digest: b, uri: uri(b) } }),
    };
    step(promoted, 345);
    expect(status.phase).toBe("Watching");
    step(promoted, 346);
    expect(status).toMatchObject({ phase: "Promoted", reason: "Promoted", finishedAt: at(346) });
    expect(status.weights.map(({ weight, mirror }) => [weight, mirror])).toEqual([
      [0, true],
      [50, false],
      [100, false],
    ]);
    expect(kinds).toEqual([
      "RolloutStarted",
      "WeightChanged",
      "StepPassed",
      "WeightChanged",
      "StepPassed",
      "WeightChanged",
      "PromotionStarted",
      "VersionPromoted",
      "RolloutFinished",
    ]);
  });

  const holding = (change: Partial<ModelRolloutStatus> = {}): Partial<ModelRolloutStatus> => ({
    phase: "Progressing",
    step: 1,
    steps: 3,
    weight: 50,
    stableReplicas: 3,
    stepEnteredAt: at(0),
    stepStartedAt: at(5),
    weights: [{ weight: 50, mirror: false, at: at(4), why: "" }],
    ...change,
  });
  const live = { candidate: pool(2), ...told(50, false) };

  it.each([
    ["held long enough and passing", analysis("Pass", 20), 2],
    ["not long enough", analysis("Pass", 19), 1],
    ["long enough, but failing now", analysis("Fail", 20, 1), 1],
    ["long enough, but nothing is known now", analysis("NoData", 20), 1],
  ])("goes on only after observed passing time: %s", (_, looked, step) => {
    expect(next({ ...live, status: holding(), analysis: looked }).status.step).toBe(step);
  });

  it.each([
    ["Aborted", { ...live, status: holding(), spec: { abort: true } }],
    ["ServiceDeleted", { ...live, status: holding(), service: null }],
    ["FieldContested", { ...live, status: holding(), workload: workload(uri("sha256:other")) }],
    ["FieldContested", { ...live, status: holding(), owners: ["helm"] }],
    ["AnalysisFailed", { ...live, status: holding(), analysis: analysis("Fail", 0, 2) }],
    ["AnalysisFailed", { ...live, status: holding(), analysis: analysis("Fail", 0, 1, 100, 6) }],
    ["AnalysisFailed", { ...live, status: holding(), analysis: analysis("Pass", 19, 0, 100, 6) }],
    ["NotReady", { status: holding({ stepStartedAt: undefined }), candidate: pool(1, 2) }],
    ["NoData", { ...live, status: holding({ noDataSince: at(40) }), analysis: analysis("NoData", 3) }],
    ["NoData", { ...live, status: holding({ noDataSince: at(40) }), analysis: analysis("SourceError", 3) }],
    ["NotActive", { status: {}, service: service({ activeVersion: { name: "shop-c", digest: b, uri: uri(b) } }) }],
    [
      "WorkloadNotReady",
      { status: holding({ phase: "Promoting", patched: true }), workload: workload(uri(b), "UnderWay") },
    ],
    ["FieldContested", { status: holding({ phase: "Promoting", patched: true }), workload: workload(uri(a)) }],
    [
      "FieldContested",
      { status: holding({ phase: "Watching", patched: true, promotedAt: at(9) }), workload: workload(uri(a)) },
    ],
    ["Aborted", { status: holding({ phase: "Paused" }), spec: { abort: true, paused: true } }],
    [
      "AnalysisFailed",
      { status: holding({ phase: "Paused" }), spec: { paused: true }, analysis: analysis("Fail", 0, 2) },
    ],
  ] satisfies [string, Change][])("rolls back: %s", (reason, change) => {
    const { status, said } = next(change);
    expect(status).toMatchObject({ phase: "RollingBack", reason, weight: 0, mirror: false });
    expect(status.weights.at(-1)?.weight ?? 0).toBe(0);
    expect(said.map(({ kind }) => kind)).toEqual(["RollbackStarted"]);
  });

  it.each([
    ["one failure below the limit", { ...live, status: holding(), analysis: analysis("Fail", 0, 1) }],
    [
      "scattered failures, fewer than three times the limit",
      { ...live, status: holding(), analysis: analysis("Fail", 0, 1, 100, 5) },
    ],
    [
      "no data, but not for long",
      { ...live, status: holding({ noDataSince: at(41) }), analysis: analysis("NoData", 3) },
    ],
    ["data again at the deadline", { ...live, status: holding({ noDataSince: at(1) }), analysis: analysis("Pass", 3) }],
    ["an unpatched workload while promoting", { status: holding({ phase: "Promoting", stepEnteredAt: at(99) }) }],
    [
      "no data while it watches",
      {
        status: holding({ phase: "Watching", patched: true, promotedAt: at(9), noDataSince: at(9) }),
        workload: workload(uri(b)),
      },
    ],
    [
      "no data while a person pauses",
      { ...live, status: holding({ phase: "Paused", noDataSince: at(1) }), spec: { paused: true } },
    ],
  ] satisfies [string, Change][])("does not roll back: %s", (_, change) => {
    expect(next(change).status.phase).not.toBe("RollingBack");
  });

  it("remembers since when nothing is known, and forgets it on the first data", () => {
    const silent = next({ ...live, status: holding(), analysis: analysis("NoData", 3) }).status;
    expect(silent.noDataSince).toBe(at(100));
    expect(
      next({ ...live, status: silent, analysis: analysis("Pass", 3, 0, 101) }, 101).status.noDataSince,
    ).toBeUndefined();
  });

  it("pauses, counts no hold meanwhile, and goes on", () => {
    const paused = next({
      ...live,
      status: holding({ heldFor: 7 }),
      spec: { paused: true },
      analysis: analysis("Pass", 19),
    }).status;
    expect(paused).toMatchObject({ phase: "Paused", heldFor: 7, weight: 50 });
    expect(next({ ...live, status: paused, spec: { paused: true } }).status).toMatchObject({
      phase: "Paused",
      weight: 50,
    });
    expect(next({ ...live, status: paused }).status.phase).toBe("Progressing");
  });

  it.each<[string, Change]>([
    ["a person", { spec: { paused: true } }],
    [
      "a trail that cannot be written",
      { trail: { reason: "AuditNotWritten", message: "exceeded quota", since: start } },
    ],
  ])("counts no silence while it is paused: by %s", (_, pausing) => {
    for (const verdict of ["NoData", "SourceError"] as const) {
      const silent = (status: Partial<ModelRolloutStatus>, seconds: number, change: Change = {}) =>
        next({ ...live, ...change, status, analysis: analysis(verdict, 3, 0, seconds) }, seconds).status;
      let paused = silent(holding({ noDataSince: at(90) }), 100, pausing);
      for (let seconds = 102; seconds < 200; seconds += 2) paused = silent(paused, seconds, pausing);
      expect(paused.phase).toBe("Paused");
      expect(paused.noDataSince).toBeUndefined();
      // Whatever a status may still have of it.
      const resumed = next({ ...live, status: { ...paused, noDataSince: at(90) } }, 200).status;
      expect(resumed.phase).toBe("Progressing");
      const before = silent(silent(resumed, 201), 260);
      expect(before).toMatchObject({ phase: "Progressing", noDataSince: at(201) });
      expect(silent(before, 261)).toMatchObject({ phase: "RollingBack", reason: "NoData" });
    }
  });

  it("waits for a person before the first weight, not before mirroring", () => {
    const manual = { policy: { approval: "Manual" } };
    const mirroring = holding({ step: 0, weight: 0, stepStartedAt: undefined, weights: [] });
    expect(next({ status: mirroring, spec: manual, candidate: pool(1) }, 10).status).toMatchObject({ mirror: true });
    const waiting = next(
      { status: holding({ weight: 0, mirror: true, stepStartedAt: undefined }), spec: manual, candidate: pool(2) },
      10,
    ).status;
    expect(waiting.phase).toBe("Paused");
    expect(next({ status: waiting, spec: manual, candidate: pool(2) }, 9999).status).toMatchObject({
      phase: "Paused",
      weight: 0,
    });
    const approved = { ...manual, approvals: [{ by: "ada", at: at(20) }] };
    const resumed = next({ status: waiting, spec: approved, candidate: pool(2) }, 9999);
    expect(resumed.status.phase).toBe("Progressing");
    expect(resumed.said).toMatchObject([{ kind: "RolloutResumed", facts: { approvedBy: ["ada"] } }]);
    expect(next({ status: resumed.status, spec: approved, candidate: pool(2) }, 10_000).status.weight).toBe(50);
  });

  it.each([
    ["WorkloadMissing", { workload: null }],
    ["CanaryCaughtBy", { obstacle: { reason: "CanaryCaughtBy", message: "Service x" } }],
  ] satisfies [string, Change][])("stalls: %s", (reason, change) => {
    const { status } = next({ ...change, status: {} });
    expect(status.phase).toBe("Pending");
    expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({ status: "True", reason });
  });

  const refused = { reason: "Refused", message: "exceeded quota: pools" };

  it.each(["Progressing", "Promoting", "RollingBack"] as const)(
    "says what was refused while %s, and goes on",
    (phase) => {
      const { status } = next({ refused, status: holding({ phase }) });
      const usual = next({ status: holding({ phase }) }).status;
      expect(status).toMatchObject({ phase: usual.phase, weight: usual.weight });
      expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({ status: "True", ...refused });
    },
  );

  it("goes back when a candidate was refused for too long, and says why", () => {
    const status = holding({ stepStartedAt: undefined, weight: 0, mirror: false });
    expect(next({ refused, status }, 9999).status).toMatchObject({
      phase: "RollingBack",
      reason: "NotReady",
      message: expect.stringContaining(refused.message),
    });
  });

  it("makes room for another rollout while it watches", () => {
    const watching = holding({ phase: "Watching", patched: true, promotedAt: at(50) });
    const busy = { workload: workload(uri(b)), service: service({ rollout: { name: "another", phase: "Pending" } }) };
    expect(next({ ...busy, status: watching }).status).toMatchObject({ phase: "Promoted", reason: "Superseded" });
  });
});

describe("the way back", () => {
  const back = (change: Partial<ModelRolloutStatus> = {}): Partial<ModelRolloutStatus> => ({
    phase: "RollingBack",
    reason: "AnalysisFailed",
    ...change,
  });

  it("before the promotion ends when gateways are told to leave the candidate", () => {
    expect(next({ status: back(), ...told(5, false) }).status.phase).toBe("RollingBack");
    expect(next({ status: back() }).status.phase).toBe("RolledBack");
  });

  it("after it the workload is given its old version first", () => {
    const patched = back({ patched: true, promotedAt: at(1) });
    expect(mustRestoreField(world({ status: patched }))).toBe(true);
    expect(next({ status: patched, workload: workload(uri(b)) }).status.phase).toBe("RollingBack");
    expect(next({ status: patched, workload: workload(uri(a), "UnderWay") }).status.phase).toBe("RollingBack");
    expect(next({ status: patched, workload: workload(uri(a)) }).status.phase).toBe("RolledBack");
  });

  it("a patch that was made and not yet seen is undone", () => {
    const { status } = next({ status: { phase: "Promoting", patched: false }, spec: { abort: true } });
    expect(mustRestoreField(world({ status }))).toBe(true);
  });

  it("leaves a contested field as it is", () => {
    const contested = back({ patched: true, promotedAt: at(1), reason: "FieldContested" });
    expect(mustRestoreField(world({ status: contested }))).toBe(false);
    expect(next({ status: contested, workload: workload("mine") }).status.phase).toBe("RolledBack");
  });

  it("is instant while the previous version's pods are kept", () => {
    const watching: Partial<ModelRolloutStatus> = {
      phase: "Watching",
      patched: true,
      promotedAt: at(1),
      stableReplicas: 3,
    };
    const fails = { workload: workload(uri(b)), analysis: analysis("Fail", 0, 2), status: watching };
    const { status } = next({ ...fails, previous: pool(3) });
    expect(status).toMatchObject({ phase: "RollingBack", fallback: true });
    expect(routeWanted(world({ status }).rollout)).toMatchObject({ digest: a, weight: 100, documents: true });
    expect(next({ ...fails, previous: null }).status.fallback).toBe(false);
  });
});

describe("what was embedded meanwhile", () => {
  const stretch = (digest: string, ended: boolean) => ({
    digest,
    count: 1200,
    uncounted: 0,
    first: at(50),
    last: at(90),
    ended,
  });
  const again = (version: string, digest: string, first = 50) => ({
    version,
    digest,
    count: 1200,
    uncounted: 0,
    first: at(first),
    last: at(90),
  });
  const ofB = { documents: [stretch(a, true), stretch(b, false)] };
  const watching: Partial<ModelRolloutStatus> = {
    phase: "Watching",
    patched: true,
    startedAt: at(10),
    promotedAt: at(40),
  };
  const needed = ({ conditions }: ModelRolloutStatus) => conditions.find(({ type }) => type === "ReembedNeeded");

  it("by the version that an analysis rolls back is named in the status, a condition and the audit chain", () => {
    const failing = { ...ofB, workload: workload(uri(b)), analysis: analysis("Fail", 0, 2), status: watching };
    const begun = next(failing);
    expect(begun.status.reembed).toEqual(again("shop-b", b));
    expect(needed(begun.status)).toMatchObject({
      status: "True",
      message: `embed again what shop-b embedded from ${at(50)} to ${at(90)}: 1200 documents`,
    });
    expect(begun.said).toMatchObject([{ kind: "RollbackStarted", facts: { reembed: again("shop-b", b) } }]);
    const later = { documents: [{ ...stretch(b, true), count: 1300, last: at(110) }] };
    const ended = next({ ...later, status: begun.status }, 120);
    expect(ended.status).toMatchObject({ phase: "RolledBack", reembed: { count: 1300, last: at(110) } });
    expect(needed(ended.status)?.message).toContain("1300 documents");
    expect(ended.said).toMatchObject([{ kind: "RolledBack", facts: { reembed: { count: 1300 } } }]);
  });

  it("before the rollout began is not its own: another one's, or the same version's of an earlier time", () => {
    const aborted = { workload: workload(uri(b)), spec: { abort: true } };
    const late = next({ ...ofB, ...aborted, status: { ...watching, startedAt: at(95) } }).status;
    expect(late.reembed).toBeUndefined();
    expect(needed(late)).toBeUndefined();
    const within = next({ ...ofB, ...aborted, status: { ...watching, startedAt: at(60) } }).status;
    expect(within.reembed).toEqual(again("shop-b", b, 60));
  });

  it("by the version that a person goes back from is named from the beginning to the end", () => {
    const ofA = { documents: [stretch(b, true), stretch(a, false)], spec: { reason: "Rollback" } };
    const begun = next({ ...ofA, status: {} });
    expect(begun.status.reembed).toEqual(again("shop-a", a));
    expect(begun.said).toMatchObject([{ kind: "RolloutStarted", facts: { reembed: again("shop-a", a) } }]);
    const ended = next({
      documents: [{ ...stretch(a, true), count: 1201 }],
      spec: { reason: "Rollback" },
      status: { ...begun.status, phase: "Watching", patched: true, promotedAt: at(100) },
      workload: workload(uri(b)),
      service: service({ rollout: { name: "another", phase: "Pending" } }),
    });
    expect(ended.status).toMatchObject({ phase: "Promoted", reembed: { version: "shop-a", count: 1201 } });
  });

  it("stays in the index when a promotion leaves its version", () => {
    const { status, said } = next({ documents: [stretch(a, false)], status: {} });
    expect(status.reembed).toBeUndefined();
    expect(said[0]?.facts).not.toHaveProperty("reembed");
  });

  it("is not named by a rollout that never began", () => {
    const outdated = { service: service({ activeVersion: { name: "shop-b", digest: b, uri: uri(b) } }), ...ofB };
    expect(next({ ...outdated, status: {} }).status).toMatchObject({ phase: "RollingBack", reason: "NotActive" });
    expect(next({ ...outdated, status: {} }).status.reembed).toBeUndefined();
  });

  it("is not written with each report, but with what is decided", () => {
    const holds = { ...ofB, spec: { reason: "Rollback" }, status: { ...watching, reembed: again("shop-a", a) } };
    const { status } = next({
      ...holds,
      workload: workload(uri(b)),
      documents: [{ ...stretch(a, false), count: 9999 }],
    });
    expect(status).toMatchObject({ phase: "Watching", reembed: { count: 1200 } });
  });
});

describe("pools", () => {
  const wanted = (change: Change, seconds = 100) => poolsWanted(world(change), start + seconds * 1000);
  it.each([
    ["mirror", { phase: "Progressing", step: 0, stableReplicas: 3 }, { candidate: 1, previous: null }],
    ["weight 50 of 3", { phase: "Progressing", step: 1, stableReplicas: 3 }, { candidate: 2, previous: null }],
    ["weight 100 of 3", { phase: "Progressing", step: 2, stableReplicas: 3 }, { candidate: 3, previous: null }],
    ["promoting", { phase: "Promoting", step: 2, stableReplicas: 3 }, { candidate: 3, previous: 3 }],
    ["ended", { phase: "Promoted" }, { candidate: null, previous: null }],
    ["rolled back", { phase: "RolledBack" }, { candidate: null, previous: null }],
  ] satisfies [string, Partial<ModelRolloutStatus>, object][])("%s", (_, status, expected) => {
    expect(wanted({ status, candidate: pool(3), previous: pool(3) })).toEqual(expected);
  });

  it("of the candidate stay until every gateway has left them", () => {
    const watching: Change = {
      status: { phase: "Watching", promotedAt: at(90), stableReplicas: 3 },
      candidate: pool(3),
    };
    const left = { generation: 3, stable: b, candidate: null, inForce: true };
    expect(wanted({ ...watching, ...told(100, false) }).candidate).toBe(3);
    expect(wanted({ ...watching, routing: { ...left, inForce: false } }).candidate).toBe(3);
    expect(wanted({ ...watching, routing: left }).candidate).toBeNull();
    expect(wanted({ ...watching, routing: left }).previous).toBe(3);
    expect(wanted({ ...watching, routing: left }, 210).previous).toBeNull();
  });

  it("of an aborted candidate go once gateways are told, in force or not", () => {
    const back: Change = { status: { phase: "RollingBack", reason: "Aborted" }, candidate: pool(2) };
    expect(wanted({ ...back, ...told(5, false) }).candidate).toBe(2);
    expect(
      wanted({ ...back, routing: { generation: 3, stable: a, candidate: null, inForce: false } }).candidate,
    ).toBeNull();
  });

  const made = poolDeployment(
    workload(uri(a)),
    { name: "shop", namespace: "search", model: { container: "main", env: "MODEL_URI" } },
    { digest: b, uri: uri(b) },
    2,
  );
  it("are copies of the workload with the model changed and labels of their own", () => {
    expect(made.metadata.name).toBe("embedder-evenkeel-bbbbbbbb");
    expect(made.spec.template.metadata?.labels).toEqual({
      team: "search",
      "evenkeel.dev/service": "shop",
      "evenkeel.dev/version": "bbbbbbbb",
    });
    expect(made.spec.selector.matchLabels).toEqual({
      "evenkeel.dev/service": "shop",
      "evenkeel.dev/version": "bbbbbbbb",
    });
    expect(made.spec.template.spec?.containers.map(({ env }) => env)).toEqual([
      [
        { name: "OTHER", value: "1" },
        { name: "MODEL_URI", value: uri(b) },
      ],
      [{ name: "MODEL_URI", value: "kept" }],
    ]);
  });

  it("carry the model in an init container where the workload does", () => {
    const stable = workload(uri(a));
    const { spec } = stable.deployment;
    if (!spec) throw new Error("the fixture has no spec");
    const initContainers = [{ name: "fetch", env: [{ name: "MODEL_URI", value: uri(a) }] }, { name: "warm" }];
    const pod = { containers: [{ name: "server" }], initContainers };
    const { template } = poolDeployment(
      {
        ...stable,
        inInitContainer: true,
        deployment: { ...stable.deployment, spec: { ...spec, template: { spec: pod } } },
      },
      { name: "shop", namespace: "search", model: { container: "fetch", env: "MODEL_URI" } },
      { digest: b, uri: uri(b) },
      1,
    ).spec;
    expect(template.spec).toEqual({
      containers: [{ name: "server" }],
      initContainers: [{ name: "fetch", env: [{ name: "MODEL_URI", value: uri(b) }] }, { name: "warm" }],
    });
  });

  it("that a Service or a budget would take for the workload's are seen", () => {
    const podLabels = made.spec.template.metadata?.labels ?? {};
    const metadata = { name: "x" };
    const by = (selector: Selecting["selector"]) =>
      catchersOf(podLabels, [{ kind: "PodDisruptionBudget", metadata, selector }]);
    expect(by({ matchLabels: { app: "embedder" } })).toEqual([]);
    expect(by(null)).toEqual([]);
    expect(by({ matchLabels: { team: "search" } })).toEqual(["PodDisruptionBudget x (team in (search))"]);
    expect(by({})).toEqual(["PodDisruptionBudget x (all pods)"]);
  });

  it.each<[string, LabelSelector, string[]]>([
    ["asks for a label", { matchExpressions: [{ key: "team", operator: "In", values: ["search", "ads"] }] }, []],
    [
      "asks for one and rules one out",
      { matchLabels: { app: "embedder" }, matchExpressions: [{ key: "track", operator: "NotIn", values: ["canary"] }] },
      [],
    ],
    [
      "only rules labels out",
      { matchExpressions: [{ key: "track", operator: "NotIn", values: ["canary"] }] },
      ["Deployment embedder (track notin (canary))"],
    ],
    ["rules out the pool's own", { matchExpressions: [{ key: "evenkeel.dev/version", operator: "DoesNotExist" }] }, []],
  ])("keep out of a workload whose selector %s, or it is said", (_, selector, caught) => {
    const stable = { ...workload(uri(a)), selector };
    const { metadata } = stable.deployment;
    const podLabels = poolPodLabels(stable, "shop", b);
    expect(catchersOf(podLabels, [{ kind: "Deployment", metadata, selector }])).toEqual(caught);
  });
});
