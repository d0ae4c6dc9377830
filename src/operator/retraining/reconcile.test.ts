import { expect, it } from "vitest";
import { refusingTurn } from "../../../test/harness/refusing-turn.ts";
import { runFixture } from "../run.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import { decide } from "./decide.ts";
import { carryOut } from "./reconcile.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const stored = { uid: "r", resourceVersion: "1", creationTimestamp: "2026-11-24T07:00:00Z" };

const service = serviceFixture();

const parsed = runFixture({ status: { phase: "Training", train: { name: "shop-1-train" } } });
const run = { ...parsed, metadata: { ...parsed.metadata, ...stored } };

it("a training Job that a quota refuses is said in the run's status", async () => {
  const { turn, stop } = await refusingTurn("jobs");
  try {
    const world = { run, service, unreadable: null, train: null, evaluate: null, obstacle: null, published: false };
    const obstacle = await carryOut(turn, run, world);
    const { status } = decide({ ...world, obstacle }, now);
    expect(status.phase).toBe("Training");
    expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({
      status: "True",
      reason: "Refused",
      message: expect.stringContaining("exceeded quota: jobs"),
    });
  } finally {
    await stop();
  }
});
