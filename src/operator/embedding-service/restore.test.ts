import { describe, expect, it } from "vitest";
import { decide } from "./decide.ts";
import { digest, model, now, rollout, slots, spec, uri, workload, world } from "./world.fixture.ts";

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
