import { describe, expect, it } from "vitest";
import { type ModelRolloutStatus, modelRolloutStatus } from "../../api/index.ts";
import { gatewayConfigOf } from "../embedding-service/resources.ts";
import { routeWanted } from "../route.ts";
import type { Workload } from "../workload.ts";
import { decide } from "./decide.ts";
import { canRestoreField } from "./go-back.ts";
import { poolsWanted } from "./resources.ts";
import { a, at, b, type Change, pool, service, start, uri, workload, world } from "./world.fixture.ts";

const c = `sha256:${"c".repeat(64)}`;
const now = start + 100_000;

const moved: Partial<ModelRolloutStatus> = { startedAt: at(0), stableReplicas: 3, step: 2, steps: 3 };
const holding = { ...moved, step: 1, weight: 50, stepEnteredAt: at(60), stepStartedAt: at(61) };
const promoted = { ...moved, patched: true, promotedAt: at(90) };
const activeB = service({ activeVersion: { name: "shop-b", digest: b, uri: uri(b) } });
const leaving = { ...promoted, phase: "RollingBack", reason: "AnalysisFailed", message: "errors: 0.5" } as const;

/** A rollout in each of its phases, and nothing is wrong. */
const phases = {
  Pending: {},
  Progressing: { status: { ...holding, phase: "Progressing" }, candidate: pool(2) },
  Paused: { status: { ...holding, phase: "Paused" }, spec: { paused: true }, candidate: pool(2) },
  "Promoting, not yet patched": {
    status: { ...moved, phase: "Promoting", weight: 100, stepEnteredAt: at(90) },
    candidate: pool(3),
    previous: pool(3),
  },
  "Promoting, patched": {
    status: { ...moved, phase: "Promoting", weight: 100, stepEnteredAt: at(90), patched: true },
    workload: workload(uri(b), "UnderWay"),
    candidate: pool(3),
    previous: pool(3),
  },
  Watching: {
    status: { ...promoted, phase: "Watching" },
    workload: workload(uri(b)),
    previous: pool(3),
    service: activeB,
  },
  "RollingBack, pods kept": {
    status: { ...leaving, fallback: true },
    workload: workload(uri(b)),
    previous: pool(3),
    service: activeB,
  },
  "RollingBack, no pods kept": { status: leaving, workload: workload(uri(b)), service: activeB },
  Promoted: { status: { ...promoted, phase: "Promoted", reason: "Promoted" }, workload: workload(uri(b)) },
  RolledBack: { status: { ...promoted, phase: "RolledBack", reason: "AnalysisFailed" } },
} satisfies Record<string, Change>;

const thirds = (change: Partial<Workload>) => (): Change => ({ workload: { ...workload(uri(c)), ...change } });

/** What comes in between. */
const events: Record<string, (phase: Change) => Change> = {
  "a third value": thirds({}),
  "a third value, no pod of it ready": thirds({ readyOfTemplate: 0, rolling: "UnderWay" }),
  "the field gone": thirds({ field: { kind: "Empty" } }),
  "a co-owner of the field": () => ({ owners: ["argocd"] }),
  "a refused write": () => ({ refused: { reason: "Refused", message: "exceeded quota" } }),
  "a second request to go back": ({ spec }) => ({ spec: { ...spec, abort: true } }),
  "the service deleted": () => ({ service: null, workload: null, candidate: null, previous: null }),
};

/** Where it is when nothing moves any more, while gateways do as they are told; what it said on the way. */
function outcome(change: Change): string {
  let status = modelRolloutStatus.parse(change.status ?? {});
  let routing = world(change).routing;
  for (let turn = 0; turn < 10; turn += 1) {
    const observed = world({ ...change, status, routing });
    const before = JSON.stringify(status);
    status = modelRolloutStatus.parse(JSON.parse(JSON.stringify(decide(observed, now).status)));
    const rollout = { ...observed.rollout, status };
    const route = routeWanted(rollout);
    routing = {
      generation: 1,
      stable: change.service?.status.activeVersion?.digest ?? a,
      candidate: route,
      inForce: true,
    };
    if (JSON.stringify(status) === before) {
      const stalled = status.conditions.find(({ type, status: holds }) => type === "Stalled" && holds === "True");
      return [
        status.phase,
        status.reason,
        ...(stalled ? [`Stalled ${stalled.reason}`] : []),
        ...(route ? [`${route.digest === a ? "old" : "new"} at ${route.weight}`] : []),
        ...(canRestoreField({ ...observed, rollout }) ? ["gives the field back"] : []),
      ]
        .filter((part) => part !== "")
        .join(", ");
    }
  }
  throw new Error("it never comes to rest");
}

const contested = "RolledBack, FieldContested, Stalled FieldContested";
/** Their wish stands; until a pod serves it, those that are kept answer. */
const contestedKeeping = "RollingBack, FieldContested, Stalled FieldContested, old at 100";

/** In the order of `events`. */
const answers: Record<keyof typeof phases, readonly string[]> = {
  Pending: [
    contested,
    contested,
    contested,
    contested,
    "Progressing, Stalled Refused",
    "RolledBack, Aborted",
    "RolledBack, ServiceDeleted",
  ],
  Progressing: [
    contested,
    contested,
    contested,
    contested,
    "Progressing, Stalled Refused, new at 50",
    "RolledBack, Aborted",
    "RolledBack, ServiceDeleted",
  ],
  Paused: [
    contested,
    contested,
    contested,
    contested,
    "Paused, Stalled Refused, new at 50",
    "RolledBack, Aborted",
    "RolledBack, ServiceDeleted",
  ],
  "Promoting, not yet patched": [
    contested,
    contestedKeeping,
    contestedKeeping,
    contested,
    "Promoting, Stalled Refused, new at 100",
    "RolledBack, Aborted",
    "RolledBack, ServiceDeleted",
  ],
  "Promoting, patched": [
    contested,
    contestedKeeping,
    contestedKeeping,
    // They want the same value: nothing is contested before it is to be another.
    "Promoting, new at 100",
    "Promoting, Stalled Refused, new at 100",
    "RollingBack, Aborted, old at 100, gives the field back",
    "RolledBack, ServiceDeleted",
  ],
  Watching: [
    contested,
    contestedKeeping,
    contestedKeeping,
    "Watching",
    "Watching, Stalled Refused",
    "RollingBack, Aborted, old at 100, gives the field back",
    "RolledBack, ServiceDeleted",
  ],
  "RollingBack, pods kept": [
    "RolledBack, AnalysisFailed, Stalled FieldContested",
    "RollingBack, AnalysisFailed, Stalled FieldContested, old at 100",
    "RollingBack, AnalysisFailed, Stalled FieldContested, old at 100",
    "RollingBack, AnalysisFailed, Stalled FieldContested, old at 100",
    "RollingBack, AnalysisFailed, Stalled Refused, old at 100, gives the field back",
    "RollingBack, AnalysisFailed, old at 100, gives the field back",
    "RolledBack, AnalysisFailed",
  ],
  "RollingBack, no pods kept": [
    "RolledBack, AnalysisFailed, Stalled FieldContested",
    "RolledBack, AnalysisFailed, Stalled FieldContested",
    "RolledBack, AnalysisFailed, Stalled FieldContested",
    "RollingBack, AnalysisFailed, Stalled FieldContested",
    "RollingBack, AnalysisFailed, Stalled Refused, gives the field back",
    "RollingBack, AnalysisFailed, gives the field back",
    "RolledBack, AnalysisFailed",
  ],
  Promoted: Object.keys(events).map(() => "Promoted, Promoted"),
  RolledBack: Object.keys(events).map(() => "RolledBack, AnalysisFailed"),
};

describe.each(Object.entries(phases))("a rollout that is %s", (name, phase: Change) => {
  const expected = new Map(Object.entries(answers)).get(name) ?? [];
  it.each(Object.entries(events).map(([event, change], i) => [event, expected[i], change] as const))(
    "meets %s: %s",
    (_, answer, change) => {
      expect(outcome({ ...phase, ...change(phase) })).toBe(answer);
    },
  );
});

describe("a field that is not given back", () => {
  const kept = phases["RollingBack, pods kept"];
  const stalled = (change: Change) =>
    decide(world({ ...kept, ...change }), now).status.conditions.find(({ type }) => type === "Stalled");

  it("is said with its owner and what to do", () => {
    expect(stalled({ owners: ["argocd", "helm"] })).toMatchObject({
      status: "True",
      reason: "FieldContested",
      message: expect.stringMatching(
        new RegExp(
          `^MODEL_URI of the workload is owned by argocd, helm: to free it, .*; it is then set back to ${uri(a)}$`,
        ),
      ),
    });
  });

  it("is said with the value that somebody gave it, also in the audit chain", () => {
    const { status, said } = decide(world({ ...kept, ...thirds({})() }), now);
    const message = `somebody set MODEL_URI of the workload to ${uri(c)}`;
    expect(status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({ status: "True", message });
    expect(said).toMatchObject([{ kind: "RolledBack", facts: { reason: "AnalysisFailed", contested: message } }]);
  });

  it("is given back as soon as nobody else owns it, and the rollout ends when they set the old one", () => {
    const before = decide(world({ ...kept, owners: ["argocd"] }), now).status;
    expect(canRestoreField(world({ ...kept, status: before, owners: ["argocd"] }))).toBe(false);
    expect(canRestoreField(world({ ...kept, status: before }))).toBe(true);
    const set = decide(world({ ...kept, status: before, owners: ["argocd"], workload: workload(uri(a)) }), now);
    expect(set.status).toMatchObject({ phase: "RolledBack", reason: "AnalysisFailed" });
    expect(set.status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({ status: "False" });
  });

  it("keeps the pods of the version before, as long as there are any", () => {
    const { status } = decide(world({ ...kept, owners: ["argocd"] }), now + 86_400_000);
    expect(poolsWanted(world({ ...kept, status }), now + 86_400_000).previous).toBe(3);
    expect(outcome({ ...kept, ...thirds({ readyOfTemplate: 0 })(), previous: null })).toBe(
      "RolledBack, AnalysisFailed, Stalled FieldContested",
    );
  });

  it("leaves requests to them even while the version before is still the active one", () => {
    const promoting = phases["Promoting, patched"];
    const { rollout } = world({
      ...promoting,
      status: decide(world({ ...promoting, spec: { abort: true } }), now).status,
    });
    const config = gatewayConfigOf(service(), service().status, promoting.workload, rollout);
    expect(config?.routing).toMatchObject({
      stable: { digest: a },
      candidate: { digest: a, weight: 100, deployment: "embedder-evenkeel-aaaaaaaa" },
    });
  });
});
