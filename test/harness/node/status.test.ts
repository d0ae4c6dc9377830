import { describe, expect, it } from "vitest";
import { type ContainerView, type PodView, phaseOf, statusOf } from "./status.ts";

const container = (state: ContainerView["state"], change: Partial<ContainerView> = {}): ContainerView => ({
  container: { name: "main", image: "i" },
  state,
  lastState: {},
  ready: false,
  started: false,
  restartCount: 0,
  finished: false,
  id: "1",
  ...change,
});
const waiting = container({ waiting: { reason: "ContainerCreating" } });
const running = container({ running: {} }, { ready: true, started: true });
const ended = (exitCode: number, change: Partial<ContainerView> = {}) =>
  container({ terminated: { exitCode } }, { finished: true, ...change });
const crashing = container({ waiting: { reason: "CrashLoopBackOff" } }, { lastState: { terminated: { exitCode: 1 } } });
const view = (main: ContainerView[], change: Partial<PodView> = {}): PodView => ({
  pod: { metadata: { generation: 3 } },
  podIP: "127.1.1.1",
  hostIP: "127.0.0.1",
  startTime: "2026-01-01T00:00:00Z",
  volumesReady: true,
  init: [],
  main,
  ending: false,
  failure: null,
  ...change,
});

describe("phaseOf", () => {
  it.each([
    ["Pending", "nothing has started", view([waiting])],
    ["Pending", "one of two has started", view([running, waiting])],
    ["Pending", "an init container runs", view([waiting], { init: [running] })],
    ["Running", "all run", view([running, running])],
    ["Running", "one waits to be restarted", view([crashing])],
    ["Running", "one has ended well, one runs", view([ended(0), running])],
    ["Running", "one has ended and may be restarted", view([ended(1, { finished: false })])],
    ["Succeeded", "all have ended well", view([ended(0), ended(0)])],
    ["Failed", "one of all has ended badly", view([ended(0), ended(2)])],
    ["Failed", "an init container has ended badly for good", view([waiting], { init: [ended(2)] })],
    ["Pending", "an init container will be tried again", view([waiting], { init: [ended(2, { finished: false })] })],
    [
      "Failed",
      "the node ended it although it ended well",
      view([ended(0)], { failure: { reason: "r", message: "m" } }),
    ],
    ["Failed", "it is ended before it has started", view([waiting], { ending: true })],
    ["Running", "it is being ended and still runs", view([running], { ending: true })],
  ] as const)("is %s when %s", (phase, _, given) => {
    expect(phaseOf(given)).toBe(phase);
  });
});

describe("statusOf", () => {
  const conditionsOf = (given: PodView, before = statusOf(given, [], "t0").conditions ?? []) =>
    Object.fromEntries(
      (statusOf(given, before, "t1").conditions ?? []).map(({ type, status, reason, lastTransitionTime }) => [
        type,
        [status, reason, lastTransitionTime],
      ]),
    );

  it("keeps the transition time of what has not changed", () => {
    const before = statusOf(view([waiting]), [], "t0").conditions ?? [];
    expect(conditionsOf(view([running]), before)).toEqual({
      PodReadyToStartContainers: ["True", undefined, "t0"],
      Initialized: ["True", undefined, "t0"],
      ContainersReady: ["True", undefined, "t1"],
      Ready: ["True", undefined, "t1"],
    });
  });

  it("is not ready once it has succeeded, and says why", () => {
    expect(conditionsOf(view([ended(0)])).Ready).toEqual(["False", "PodCompleted", "t0"]);
  });

  it("waits for readiness gates", () => {
    const pod = { spec: { containers: [], readinessGates: [{ conditionType: "gate" }] } };
    expect(conditionsOf(view([running], { pod })).Ready).toEqual(["False", "ReadinessGatesNotReady", "t0"]);
    const open = { ...pod, status: { conditions: [{ type: "gate", status: "True" }] } };
    expect(conditionsOf(view([running], { pod: open })).Ready).toEqual(["True", undefined, "t0"]);
  });
});
