import { describe, expect, it } from "vitest";
import { type AlarmSignal, evaluate, judgeAlarm, judgeLimit, type LimitSignal } from "./evaluate.ts";
import type { Answer, Prometheus, Sample } from "./prometheus.ts";

const at = 1_000_000_000_000;
const scope = { namespace: "search", service: "products", model: "sha256:ab" };
const drift: AlarmSignal = { kind: "BuiltIn", signal: "RepresentationDrift", scope, maxAge: 180_000 };

function figures(values: Record<string, number>, instance = "a"): Sample[] {
  return Object.entries(values).map(([name, value]) => ({
    labels: { __name__: `evenkeel_monitor_${name}`, instance },
    value,
    at,
  }));
}
const quiet = {
  alarm: 0,
  alarm_number: 3,
  learning: 0,
  log10_evalue: 0.4,
  log10_threshold: 4.9,
  effect_size: 0.12,
  samples: 512,
  last_block_timestamp_seconds: at / 1000 - 60,
};

describe("judgeAlarm", () => {
  it("no alarm is a pass with its figures", () => {
    expect(judgeAlarm(drift, figures(quiet), "q", at)).toEqual({
      kind: "Pass",
      value: 0.4,
      threshold: 4.9,
      samples: 512,
      alarm: 3,
      effect: 0.12,
      query: "q",
      at,
      reason: "NoAlarm",
      message: "no alarm, effect 0.12",
    });
  });

  it.each([
    ["a raised alarm", { ...quiet, alarm: 1 }, "Fail", "AlarmRaised"],
    ["learning", { ...quiet, learning: 1 }, "NoData", "Learning"],
    ["learning hides an alarm of the past", { ...quiet, alarm: 1, learning: 1 }, "NoData", "Learning"],
    ["an old block", { ...quiet, alarm: 1, last_block_timestamp_seconds: at / 1000 - 181 }, "NoData", "Stale"],
    ["a NaN alarm", { ...quiet, alarm: Number.NaN }, "NoData", "NotANumber"],
    ["a NaN time", { ...quiet, last_block_timestamp_seconds: Number.NaN }, "NoData", "NotANumber"],
    ["an alarm that is no flag", { ...quiet, alarm: 2 }, "SourceError", "Malformed"],
    ["only the time", { last_block_timestamp_seconds: at / 1000 }, "NoData", "NoSeries"],
    ["only the alarm", { alarm: 0 }, "NoData", "NoBlock"],
    ["nothing", {}, "NoData", "NoSeries"],
  ] as const)("%s", (_, values, kind, reason) => {
    expect(judgeAlarm(drift, figures(values), "q", at)).toMatchObject({ kind, reason });
  });

  it.each([
    [{}, /^the signal has no reference yet$/],
    [{ log10_reachable: 10 }, /^the signal has no reference yet$/],
    [
      { log10_reachable: Math.log10(394.2), reference_inputs_needed: 1104 },
      /evidence comes to 394.2 at most, an alarm takes 129600; .* dataset.reference \(at least about 1104\) or .*falseAlarms/,
    ],
  ])("learning says why: %o", (values, message) => {
    const learning = { ...quiet, learning: 1, log10_threshold: Math.log10(129_600), ...values };
    const judged = judgeAlarm(drift, figures(learning), "q", at);
    expect(judged.message).toMatch(message);
    expect(judged.message.length).toBeLessThan(256);
  });

  it("the gateway with the newest block is believed, in either order", () => {
    const old = figures({ ...quiet, alarm: 1, last_block_timestamp_seconds: at / 1000 - 120 }, "old");
    const both = [...old, ...figures(quiet, "new")];
    expect(judgeAlarm(drift, both, "q", at).kind).toBe("Pass");
    expect(judgeAlarm(drift, both.toReversed(), "q", at).kind).toBe("Pass");
  });

  it("a changed model is known without traffic, and one alarm is enough", () => {
    const changed = { ...drift, signal: "ModelChanged" } as const;
    expect(judgeAlarm(changed, figures({ alarm: 0, samples: 2 }), "q", at)).toMatchObject({
      kind: "Pass",
      value: null,
    });
    expect(judgeAlarm(changed, figures({ ...quiet, last_block_timestamp_seconds: 1 }), "q", at).kind).toBe("Pass");
    const two = [...figures({ alarm: 0 }, "a"), ...figures({ alarm: 1, effect_size: 2 }, "b")];
    expect(judgeAlarm(changed, two, "q", at)).toMatchObject({ kind: "Fail", effect: 2 });
  });

  it("an attack is judged by its share", () => {
    const samples = figures({ ...quiet, alarm: 1, flagged_share_lower_bound: 0.31, flagged_share_threshold: 0.1 });
    const verdict = judgeAlarm({ ...drift, signal: "AdversarialAnomaly" }, samples, "q", at);
    expect(verdict).toMatchObject({ kind: "Fail", value: 0.31, threshold: 0.1 });
  });

  it.each([
    ["an attack that too few inputs were probed for", "AdversarialAnomaly", { samples: 15 }],
    ["an attack whose share is NaN", "AdversarialAnomaly", { samples: 90, flagged_share_lower_bound: Number.NaN }],
    ["a changed model when no pod was compared", "ModelChanged", { samples: 0 }],
    ["a changed model when nobody says how many", "ModelChanged", { samples: Number.NaN }],
  ] as const)("%s is unknown while quiet, and no less an alarm", (_, signal, values) => {
    const of = (alarm: number) => judgeAlarm({ ...drift, signal }, figures({ ...quiet, ...values, alarm }), "q", at);
    expect(of(0)).toMatchObject({ kind: "NoData", reason: "TooFewSamples" });
    expect(of(1)).toMatchObject({ kind: "Fail" });
  });
});

describe("judgeLimit", () => {
  const limit = (above?: number, below?: number): LimitSignal => ({
    kind: "PromQL",
    query: "q",
    above,
    below,
    maxAge: 1,
  });
  it.each([
    [0.5, 1, 0, "Pass", "WithinLimits", 1],
    [1.5, 1, 0, "Fail", "AboveLimit", 1],
    [-0.5, 1, 0, "Fail", "BelowLimit", 0],
    [-0.5, undefined, 0, "Fail", "BelowLimit", 0],
    [7, undefined, 0, "Pass", "WithinLimits", 0],
  ] as const)("%d with above %s and below %s", (value, above, below, kind, reason, threshold) => {
    const verdict = judgeLimit(limit(above, below), [{ labels: {}, value, at }], at);
    expect(verdict).toMatchObject({ kind, reason, threshold, value });
  });
});

describe("evaluate with a minimum sample", () => {
  const vector = (...values: number[]): Answer => ({
    kind: "Vector",
    samples: values.map((value) => ({ labels: {}, value, at })),
  });
  const fault: Answer = { kind: "SourceError", reason: "HttpError", message: "status 500" };
  const signal: LimitSignal = {
    kind: "PromQL",
    query: "errors",
    above: 0.01,
    maxAge: 1000,
    samples: { query: "requests", atLeast: 50 },
  };

  it.each([
    ["enough, and over", vector(0.5), vector(50), "Fail", "AboveLimit", 50],
    ["enough, and under", vector(0), vector(51), "Pass", "WithinLimits", 51],
    ["one too few", vector(0.5), vector(49.9), "NoData", "TooFewSamples", 49.9],
    ["none counted", vector(0.5), vector(), "NoData", "TooFewSamples", 0],
    ["NaN counted", vector(0.5), vector(Number.NaN), "NoData", "TooFewSamples", Number.NaN],
    ["enough, but no value", vector(), vector(90), "NoData", "NoSeries", 90],
    ["the value failed", fault, vector(90), "SourceError", "HttpError", null],
    ["the count failed", vector(0.5), fault, "SourceError", "HttpError", null],
    ["two values", vector(1, 2), vector(0), "SourceError", "ManySeries", 0],
  ] as const)("%s", async (_, value, count, kind, reason, samples) => {
    const source: Prometheus = {
      query: (promql) => Promise.resolve(promql === "errors" ? value : count),
      queryRange: () => Promise.reject(new Error("not asked for")),
      close: () => Promise.resolve(),
    };
    expect(await evaluate(signal, source, { now: () => at })).toMatchObject({ kind, reason, samples });
  });
});
