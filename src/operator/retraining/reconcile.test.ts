import { expect, it } from "vitest";
import { refusingTurn } from "../../../test/harness/refusing-turn.ts";
import { retraining } from "../../api/index.ts";
import { serviceFixture } from "../service.fixture.ts";
import { decide } from "./decide.ts";
import { carryOut } from "./reconcile.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const digest = `sha256:${"a".repeat(64)}`;
const uri = `store://models/shop@${digest}`;
const stored = { uid: "r", resourceVersion: "1", creationTimestamp: "2026-11-24T07:00:00Z" };

const service = serviceFixture();

const parsed = retraining.parse({
  apiVersion: "evenkeel.dev/v1alpha1",
  kind: "Retraining",
  metadata: { name: "shop-1", namespace: "search", uid: "r", generation: 1 },
  spec: {
    serviceRef: { name: "shop" },
    cause: { id: "1", class: "Drift", trigger: "drift", at: "2026-11-24T07:00:00Z" },
    parent: { digest, uri },
    baseline: { digest, uri },
    threatModel: { name: "images", hash: digest, perturbations: [] },
    dataset: { reference: uri },
    evaluationData: "None",
    seed: 7,
    trainer: {},
    placement: {},
    gates: [{ name: "clean", metric: "CleanAccuracy", test: "NonInferiority", margin: 0.02 }],
    alpha: 0.025,
    claimName: "store",
    maxDuration: "2h",
  },
  status: { phase: "Training", train: { name: "shop-1-train" } },
});
const run = { ...parsed, metadata: { ...parsed.metadata, ...stored } };

it("a training Job that a quota refuses is said in the run's status", async () => {
  const { turn, stop } = await refusingTurn("jobs");
  try {
    const world = { run, service, train: null, evaluate: null, obstacle: null, published: false };
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
