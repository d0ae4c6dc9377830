import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { refusingTurn } from "../../../test/harness/refusing-turn.ts";
import { modelRollouts, retrainings } from "../../kinds.ts";
import { rolloutFixture } from "../rollout.fixture.ts";
import { runFixture } from "../run.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import { decide } from "./decide.ts";
import { observe } from "./observe.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const { metadata, ...parsed } = serviceFixture({
  status: {
    retraining: { name: "shop-1", uid: "u", phase: "Training" },
    rollout: { name: "move", uid: "u", phase: "Progressing" },
  },
});
const service = {
  ...parsed,
  metadata: { ...metadata, uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-24T07:00:00Z" },
};

/** Its caches show nothing, as those of a new leader that are behind. */
let behind: Awaited<ReturnType<typeof refusingTurn>>;
beforeEach(async () => {
  behind = await refusingTurn();
});
afterEach(async () => await behind.stop());

describe("a run and a rollout that the caches do not show", () => {
  it("are gone only when the API server has none", async () => {
    const { turn } = behind;
    await turn.kube.create(retrainings, runFixture({ status: { phase: "Training" } }));
    await turn.kube.create(modelRollouts, rolloutFixture({ status: { phase: "Progressing" } }));
    const { status, said } = decide(await observe(turn, service, null, now), now);
    expect(said.map(({ kind }) => kind)).toEqual([]);
    expect(status.retraining?.name).toBe("shop-1");
    expect(status.rollout?.name).toBe("move");
  });

  it("were deleted by somebody when it has none", async () => {
    const { status, said } = decide(await observe(behind.turn, service, null, now), now);
    expect(said.map(({ kind }) => kind)).toEqual(["RolloutDeleted", "RunDeleted"]);
    expect(status.retraining).toBeUndefined();
    expect(status.rollout).toBeUndefined();
  });
});
