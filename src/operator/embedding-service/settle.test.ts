import { describe, expect, it } from "vitest";
import { embeddingServiceStatus } from "../../api/index.ts";
import type { Workload } from "../workload.ts";
import { decide } from "./decide.ts";
import { gatewayConfigOf } from "./resources.ts";
import {
  ago,
  type Change,
  cause,
  digest,
  model,
  now,
  rollout,
  run,
  slots,
  spec,
  uri,
  workload,
  world,
} from "./world.fixture.ts";

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
    expect(status.lastCauses).toEqual([{ id: "0123456789", outcome: phase, generation: 1, at: ago(0) }]);
    expect(status.failures.map(({ count }) => count)).toEqual(failures === 0 ? [] : [1]);
  });

  it("that was begun before the service changed lets the change have a try of its own", () => {
    const begun = cause({ generation: 0 });
    const failed = world({
      status: { cause: begun, retraining: slots().retraining },
      run: run("Failed", { cause: begun }),
    });
    const { status } = decide(failed, now);
    expect(status.lastCauses).toMatchObject([{ outcome: "Failed", generation: 0 }]);
    const later = { ...status, ledger: [] };
    expect(decide(world({ status: later, causes: [cause()] }), now).retraining.kind).toBe("Record");
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
    const dropped = { id: cause().id, outcome: "Outdated", generation: 1, at: ago(60) };
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
