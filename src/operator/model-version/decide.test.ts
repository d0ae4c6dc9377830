import { describe, expect, it } from "vitest";
import { type ModelVersionStatus, modelVersion } from "../../api/index.ts";
import { rolloutFixture } from "../rollout.fixture.ts";
import { runFixture } from "../run.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import { decide, type Observed } from "./decide.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const before = "2026-11-01T00:00:00.000Z";
const digest = `sha256:${"b".repeat(64)}`;

const version = (status: Partial<ModelVersionStatus> = {}, identity = "Digest") =>
  modelVersion.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "ModelVersion",
    metadata: { name: "shop-b", namespace: "search" },
    spec: { serviceRef: { name: "shop" }, identity, digest, uri: "u" },
    status,
  });

const world = (change: {
  active?: string;
  run?: string;
  rollout?: object;
  status?: Partial<ModelVersionStatus>;
}): Observed => ({
  version: version(change.status),
  service: serviceFixture({ status: { activeVersion: { name: change.active ?? "shop-a", digest, uri: "u" } } }),
  run: change.run ? runFixture({ status: { phase: change.run } }) : null,
  rollouts: change.rollout ? [rolloutFixture({ status: { phase: "Progressing", ...change.rollout } })] : [],
});

describe("a version's phase", () => {
  it.each([
    ["Candidate", {}],
    ["Candidate", { run: "Gating" }],
    ["Rejected", { run: "Rejected" }],
    ["Candidate", { run: "Published", rollout: {} }],
    ["Shadow", { rollout: { mirror: true } }],
    ["Canary", { rollout: { weight: 5 } }],
    ["Canary", { rollout: { phase: "Promoting", weight: 100 } }],
    ["Active", { active: "shop-b", rollout: { phase: "Watching" } }],
    ["RolledBack", { rollout: { phase: "RollingBack" } }],
    ["RolledBack", { rollout: { phase: "RolledBack" } }],
    ["Retired", { status: { phase: "Active", activatedAt: before }, rollout: { phase: "Promoted" } }],
    ["Active", { active: "shop-b", run: "Rejected" }],
    ["Rejected", { status: { phase: "Rejected" } }],
    ["RolledBack", { status: { phase: "RolledBack", activatedAt: before } }],
    ["Canary", { status: { phase: "RolledBack" }, rollout: { weight: 5 } }],
  ] satisfies [string, Parameters<typeof world>[0]][])("is %s: %o", (phase, change) => {
    expect(decide(world(change), now).phase).toBe(phase);
  });

  it("notes when it began and ended to be active", () => {
    const began = decide(world({ active: "shop-b" }), now);
    expect(began.activatedAt).toBe("2026-11-24T08:00:00.000Z");
    expect(decide({ ...world({ active: "shop-b" }), version: version(began) }, now + 1e6).activatedAt).toBe(
      began.activatedAt,
    );
    expect(decide({ ...world({}), version: version(began) }, now + 1e6).retiredAt).toBe("2026-11-24T08:16:40.000Z");
  });

  it("says when nothing pins its content", () => {
    expect(decide(world({}), now).conditions).toMatchObject([{ type: "Pinned", status: "True" }]);
    expect(decide({ ...world({}), version: version({}, "Uri") }, now).conditions).toMatchObject([
      { type: "Pinned", status: "False" },
    ]);
  });
});
