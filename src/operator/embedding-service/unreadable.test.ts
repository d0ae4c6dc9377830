import { describe, expect, it } from "vitest";
import { rolloutFixture } from "../rollout.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import type { Workload } from "../workload.ts";
import { decide } from "./decide.ts";
import type { Observed } from "./world.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const stored = { uid: "w", resourceVersion: "1", creationTimestamp: "2026-11-24T07:00:00Z" };
const {
  spec: { from, to },
} = rolloutFixture();
const active = { name: from.version, digest: from.digest, uri: from.uri };
const problem = { reason: "Unreadable", message: "ModelRollout search/move is not as expected: status.phase" };
const phases = [
  "Pending",
  "Progressing",
  "Paused",
  "Promoting",
  "Watching",
  "Promoted",
  "RollingBack",
  "RolledBack",
] as const;

const serving = (uri: string | null): Workload => ({
  uid: "w",
  resourceVersion: "1",
  field: uri === null ? { kind: "Empty" } : { kind: "Value", uri },
  inInitContainer: false,
  replicas: 2,
  readyReplicas: 2,
  readyOfTemplate: 2,
  rolling: "Complete",
  selector: { matchLabels: { app: "embedder" } },
  deployment: { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "embedder", ...stored } },
});

/** A service whose status names a rollout that is there and cannot be read. */
function world(phase: (typeof phases)[number], served: string | null, spec: object = {}): Observed {
  const slot = { name: "move", uid: "o", phase, weight: 0, to: { ...active, name: to.version }, retraining: "" };
  return {
    service: serviceFixture({
      spec: { model: { container: "main", env: "MODEL_URI", initial: from.uri }, ...spec },
      status: { activeVersion: active, rollout: { ...slot, needsApproval: "" } },
    }),
    trail: null,
    workload: serving(served),
    ownership: { kind: "Ours" },
    signals: [],
    schedules: [],
    source: null,
    store: null,
    threatModel: null,
    run: null,
    rollout: null,
    unreadable: { run: null, rollout: problem, threatModel: null },
    waitingRuns: [],
    waitingRollouts: [],
    runs: [],
    rollouts: [],
    versions: [],
    snapshot: null,
    autocorrelation: null,
    config: null,
    gateway: { ready: 2, wanted: 2, trouble: null },
    gateways: [],
    causes: [],
  };
}

describe.each(phases)("a rollout that cannot be read, last seen %s", (phase) => {
  it.each([
    ["the new version", to.uri],
    ["a version of somebody else's", "hub/another"],
    ["none", null],
  ])("stays named, and alone says what the workload's model is: %s", (_, served) => {
    for (const spec of [{}, { retraining: { threatModelRef: { name: "images" } } }]) {
      const before = world(phase, served, spec);
      const { retraining, status, said } = decide(before, now);
      expect(retraining).toEqual({ kind: "Wait", ...problem, until: null });
      expect(status).toMatchObject({ activeVersion: active, rollout: before.service.status.rollout, holding: problem });
      expect(said).toEqual([]);
    }
  });

  it("is no less there when an older reading of it is known", () => {
    const known = rolloutFixture({ status: { phase, reason: phase === "RolledBack" ? "FieldContested" : "" } });
    for (const served of [to.uri, null]) {
      const { retraining } = decide({ ...world(phase, served), rollout: known }, now);
      expect(["Adopt", "Seed"]).not.toContain(retraining.kind);
    }
  });
});
