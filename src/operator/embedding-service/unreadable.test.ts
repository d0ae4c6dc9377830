import { describe, expect, it } from "vitest";
import { type ModelRolloutPhase, modelRolloutPhase } from "../../api/index.ts";
import { decide } from "./decide.ts";
import { model, now, rollout, slots, workload, world } from "./world.fixture.ts";
import type { Observed } from "./world.ts";

const active = model("a");
const next = model("b");
const problem = { reason: "Unreadable", message: "ModelRollout search/move is not as expected: status.phase" };

/** A service whose status names a rollout that is there and cannot be read. */
function unread(phase: ModelRolloutPhase, served: string | null, spec: object = {}): Observed {
  return world({
    spec: { model: { container: "main", env: "MODEL_URI", initial: active.uri }, ...spec },
    status: { rollout: { ...slots(phase).rollout, retraining: "" } },
    workload: workload(served),
    unreadable: { run: null, rollout: problem, threatModel: null },
  });
}

describe.each(modelRolloutPhase.options)("a rollout that cannot be read, last seen %s", (phase) => {
  it.each([
    ["the new version", next.uri],
    ["a version of somebody else's", "hub/another"],
    ["none", null],
  ])("stays named, and alone says what the workload's model is: %s", (_, served) => {
    for (const spec of [{ retraining: undefined }, { retraining: { threatModelRef: { name: "images" } } }]) {
      const before = unread(phase, served, spec);
      const { retraining, status, said } = decide(before, now);
      expect(retraining).toEqual({ kind: "Wait", ...problem, until: null });
      expect(status).toMatchObject({ activeVersion: active, rollout: before.service.status.rollout, holding: problem });
      expect(said).toEqual([]);
    }
  });

  it("is no less there when an older reading of it is known", () => {
    const known = rollout(phase, { status: { reason: phase === "RolledBack" ? "FieldContested" : "" } });
    for (const served of [next.uri, null]) {
      const { retraining } = decide({ ...unread(phase, served), rollout: known }, now);
      expect(["Adopt", "Seed"]).not.toContain(retraining.kind);
    }
  });
});
