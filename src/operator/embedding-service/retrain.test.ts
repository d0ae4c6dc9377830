import { describe, expect, it } from "vitest";
import { retrainingSpec } from "../../api/index.ts";
import { decide } from "./decide.ts";
import { retrainingOf } from "./resources.ts";
import {
  ago,
  type Change,
  cause,
  images,
  model,
  now,
  rollout,
  run,
  slots,
  spec,
  spent,
  uri,
  workload,
  world,
} from "./world.fixture.ts";

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
    const lastCauses = [{ id: "0123456789", outcome: "Rejected", generation: 1, at: ago(99_999) }];
    expect(decide(world({ causes: [cause()], status: { lastCauses } }), now).retraining).toMatchObject({
      reason: "CauseWorkedOn",
    });
    const changed = cause({ id: "9876543210", dataDigest: "d2" });
    expect(decide(world({ causes: [changed], status: { lastCauses } }), now).retraining).toMatchObject({
      kind: "Record",
      cause: changed,
    });
  });

  describe("that was worked on", () => {
    const ended = (outcome: string, generation = 0, id = cause().id) => ({
      id,
      outcome,
      generation,
      at: ago(99_999),
    });
    const after = (...lastCauses: ReturnType<typeof ended>[]) => world({ causes: [cause()], status: { lastCauses } });

    it.each(["Published", "Rejected", "RolledBack", "Outdated"])("and %s stays so when the service changes", (end) => {
      const { retraining: answer } = decide(after(ended(end)), now);
      expect(answer).toMatchObject({ kind: "Wait", reason: "CauseWorkedOn" });
      expect(answer.kind === "Wait" && answer.message).toBe(
        `drift: its run ended ${end}; it is tried again when its data has changed, or by hand with \`evenkeel retrain shop\``,
      );
    });

    describe.each(["Failed", "Cancelled", "Deleted"])("and %s", (end) => {
      it("stays so under the same service, and says what helps", () => {
        const { retraining: answer } = decide(after(ended(end, 1)), now);
        expect(answer).toMatchObject({ kind: "Wait", reason: "CauseWorkedOn" });
        expect(answer.kind === "Wait" && answer.message).toContain(
          `ended ${end}; it is tried again when the service or its data has changed, or by hand with`,
        );
      });

      it("is tried once more when the service has changed, by another name, and for good when that proves something", () => {
        const { retraining: answer } = decide(after(ended(end)), now);
        const again = answer.kind === "Record" ? answer.cause.id : "";
        expect(again).toMatch(/^[0-9a-f]{10}$/);
        expect(again).not.toBe(cause().id);
        expect(decide(after(ended(end), ended(end, 1, again)), now).retraining.kind).toBe("Wait");
        expect(decide(after(ended(end), ended("Rejected", 0, again)), now).retraining.kind).toBe("Wait");
        const third = decide(after(ended(end), ended(end, 0, again)), now).retraining;
        expect(third.kind === "Record" && [cause().id, again].includes(third.cause.id)).toBe(false);
        expect(third.kind).toBe("Record");
      });
    });

    it.each([
      ["CoolingDown", spent("Drift", ago(6 * 3600 - 1), 1)],
      ["OverBudget", spent("Drift", ago(7 * 3600), 32.01 * 3600)],
      ["CircuitOpen", { failures: [{ class: "Drift" as const, count: 3, generation: 1 }] }],
    ])("and Failed waits like any other, as when %s", (reason, status) => {
      const tried = world({ causes: [cause()], status: { lastCauses: [ended("Failed")], ...status } });
      expect(decide(tried, now).retraining).toMatchObject({ kind: "Wait", reason });
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

  it("that an open circuit holds back names what closes it, and what goes round it", () => {
    const failures = [{ class: "Drift" as const, count: 3, generation: 1 }];
    const { retraining: answer } = decide(world({ causes: [cause()], status: { failures } }), now);
    expect(answer.kind === "Wait" && answer.message).toMatch(
      /change the service, which closes the circuit and starts what it held back, or use `evenkeel retrain shop`$/,
    );
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
