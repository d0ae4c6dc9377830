import { describe, expect, it } from "vitest";
import type { SignalStatus, Trigger } from "../../api/index.ts";
import type { Verdict } from "../../signals/index.ts";
import { advanceSignal, stateOf } from "./signal-state.ts";

const start = Date.parse("2026-11-24T08:00:00Z");
const scope = { namespace: "search", service: "shop", model: "sha256:a" };
const own: Trigger = { name: "own", promql: "zero_results", above: 0.2, for: "10s", then: "Retrain" };

const verdict = (kind: Verdict["kind"], seconds: number, alarm: number | null = null): Verdict => ({
  kind,
  value: Number.NaN,
  threshold: 0.2,
  samples: null,
  alarm,
  effect: null,
  query: "q",
  at: start + seconds * 1000,
  reason: kind === "NoData" ? "Learning" : "AboveLimit",
  message: "m",
});

/** Verdicts in turn, each state saved and read again in between. */
function follow(
  trigger: Trigger,
  steps: readonly (readonly [Verdict["kind"], number])[],
  before?: SignalStatus,
): SignalStatus[] {
  const saved: SignalStatus[] = [];
  for (const [kind, seconds] of steps)
    saved.push(advanceSignal(saved.at(-1) ?? before, trigger, verdict(kind, seconds), 6000, scope).status);
  return saved;
}

describe("a trigger's state", () => {
  it("counts observed failing only, over restarts and over silence", () => {
    const states = follow(own, [
      ["Fail", 0],
      ["Fail", 5],
      ["NoData", 7],
      ["Fail", 60],
      ["Fail", 64],
      ["Fail", 65],
    ]);
    expect(states.map(({ failingFor }) => failingFor)).toEqual([0, 5, 5, 5, 9, 10]);
    expect(states.map(({ failingSince }) => failingSince)).toEqual(Array(6).fill("2026-11-24T08:00:00.000Z"));
    expect(states.map((status) => stateOf(status, own, scope).held)).toEqual([false, false, false, false, false, true]);
  });

  it("starts over after a pass", () => {
    const states = follow(own, [
      ["Fail", 0],
      ["Fail", 5],
      ["Pass", 6],
      ["Fail", 7],
    ]);
    expect(states.map(({ failingFor }) => failingFor)).toEqual([0, 5, 0, 0]);
    expect(states[2]?.failingSince).toBeUndefined();
  });

  it("numbers the user's own alarms by the times they have newly held", () => {
    const states = follow(own, [
      ["Fail", 0],
      ["Fail", 5],
      ["Fail", 10],
      ["Fail", 15],
      ["Pass", 16],
      ["Fail", 20],
      ["Fail", 25],
      ["Fail", 30],
    ]);
    expect(states.map(({ alarm }) => alarm)).toEqual([0, 0, 1, 1, 1, 1, 1, 2]);
  });

  it("raises the number when an alarm holds by a shorter time than the one before", () => {
    const patient = { ...own, for: "60s" };
    const first = follow(own, [
      ["Fail", 0],
      ["Fail", 5],
      ["Fail", 10],
      ["Pass", 11],
    ]);
    const second = follow(
      patient,
      [
        ["Fail", 20],
        ["Fail", 25],
        ["Fail", 30],
      ],
      first.at(-1),
    );
    expect(second.at(-1)).toMatchObject({ held: false, alarm: 1 });
    const shortened = follow(own, [["Fail", 31]], second.at(-1));
    expect(shortened.at(-1)).toMatchObject({ held: true, alarm: 2 });
  });

  it.each([
    ["query", { promql: "empty_results" }],
    ["limit", { above: 0.3 }],
  ])("begins anew for another %s, and numbers on", (_, change) => {
    const held = follow(own, [
      ["Fail", 0],
      ["Fail", 5],
      ["Fail", 10],
    ]);
    expect(held.at(-1)).toMatchObject({ held: true, alarm: 1 });
    const other = follow(
      { ...own, ...change },
      [
        ["Fail", 15],
        ["Fail", 20],
        ["Fail", 25],
      ],
      held.at(-1),
    );
    expect(other.map(({ failingFor }) => failingFor)).toEqual([0, 5, 10]);
    expect(other.map(({ held: holds }) => holds)).toEqual([false, false, true]);
    expect(other.map(({ alarm }) => alarm)).toEqual([1, 1, 2]);
    expect(other[0]?.since).toBe("2026-11-24T08:00:15.000Z");
  });

  it("takes the number of a built-in alarm from the monitor", () => {
    const drift: Trigger = { name: "drift", signal: "RepresentationDrift", for: "0s", then: "Retrain" };
    const state = advanceSignal(undefined, drift, verdict("Fail", 0, 7), 6000, scope);
    expect(state).toMatchObject({ held: true, status: { alarm: 7, model: "sha256:a" } });
    expect(state.query).toContain('signal="RepresentationDrift"');
  });

  it("holds nothing while the source says nothing, and knows when it is learning", () => {
    const [, failing, silent] = follow({ ...own, for: "0s" }, [
      ["Pass", 0],
      ["Fail", 1],
      ["NoData", 2],
    ]);
    if (!failing || !silent) throw new Error("no states");
    expect(stateOf(failing, { ...own, for: "0s" }, scope).held).toBe(true);
    expect(stateOf(silent, { ...own, for: "0s" }, scope)).toMatchObject({ held: false, learning: true });
  });

  it("is JSON: NaN is no value", () => {
    expect(follow(own, [["Fail", 0]])[0]?.value).toBeNull();
  });
});
