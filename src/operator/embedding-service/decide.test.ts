import { describe, expect, it } from "vitest";
import { type EmbeddingServiceStatus, mostPending } from "../../api/index.ts";
import { genesis, link } from "../../audit/index.ts";
import { serviceFixture } from "../service.fixture.ts";
import { decide } from "./decide.ts";
import { protect } from "./protect.ts";
import { restore } from "./restore.ts";
import { retrain } from "./retrain.ts";
import { ago, cause, model, now, rollout, run, signal, slots, uri, world } from "./world.fixture.ts";

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
