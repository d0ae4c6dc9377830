import { describe, expect, it } from "vitest";
import {
  type AnalysisCheck,
  analysisCheck,
  type CheckStatus,
  type ModelRollout,
  rolloutPolicy,
} from "../../api/index.ts";
import type { Prometheus } from "../../signals/index.ts";
import { rolloutFixture } from "../rollout.fixture.ts";
import { analyse, overall, statusOf } from "./checks.ts";
import { checksOf, type Plan } from "./plan.ts";

const check = (change: object): AnalysisCheck => analysisCheck.parse({ name: "own", ...change });
const kinds = ["Mirror", "Weight", "Watch"] as const satisfies Plan["kind"][];
const latency = check({ metric: "LatencyP99", above: 2 });
const overlap = check({ metric: "MirrorOverlap", below: 0.8 });
const own = check({ metric: "PromQL", promql: "up", above: 1 });

describe("the checks that judge a mirror, a weight and the watch", () => {
  it.each<[string, readonly AnalysisCheck[], readonly string[]]>([
    ["without any", [], ["probes", "probes", "probes"]],
    ["with one of a weight", [latency], ["probes", "own", "probes"]],
    ["with one of a mirror", [overlap], ["own", "probes", "probes"]],
    ["with one that always fits", [own], ["own", "own", "own"]],
    [
      "by default",
      rolloutPolicy.parse({}).analysis,
      ["errors,vectors,probes,overlap", "errors,latency,vectors,probes,flagged", "errors,vectors,probes"],
    ],
  ])("are never none: %s", (_, analysis, expected) => {
    const names = (kind: Plan["kind"]) => checksOf(analysis, { kind, length: 1 }).map(({ name }) => name);
    expect(kinds.map((kind) => names(kind).join(","))).toEqual(expected);
  });

  it.each<[readonly CheckStatus["verdict"][], string]>([
    [[], "NoData"],
    [["Pass", "Pass"], "Pass"],
    [["Pass", "NoData"], "NoData"],
    [["NoData", "SourceError"], "SourceError"],
    [["Pass", "SourceError", "Fail"], "Fail"],
  ])("say %j as a whole: %s", (verdicts, expected) => {
    expect(overall(verdicts.map((verdict) => ({ verdict })))).toBe(expected);
  });
});

describe("failures of a check", () => {
  const after = (phase: ModelRollout["status"]["phase"], ...kinds: readonly CheckStatus["verdict"][]) =>
    kinds.reduce<CheckStatus[]>(
      (analysis, kind) => [
        statusOf(own, { phase, analysis }, { kind, value: null, threshold: null, samples: null, message: "" }),
      ],
      [],
    )[0];

  it("are counted in a row, which only a pass ends, and in all of a step", () => {
    expect(after("Progressing", "Pass", "Fail", "NoData", "Fail")).toMatchObject({ failures: 2, failed: 2 });
    expect(after("Progressing", "Fail", "Pass", "Fail", "Pass", "Fail")).toMatchObject({ failures: 1, failed: 3 });
    expect(after("Progressing", "Fail", "SourceError", "Pass")).toMatchObject({ failures: 0, failed: 1 });
  });

  it.each(["Paused", "Watching"] as const)("hold no step up while it is %s", (phase) => {
    expect(after(phase, "Fail", "Pass", "Fail")).toMatchObject({ failures: 1, failed: 0 });
  });
});

describe("a check without enough samples", () => {
  const now = Date.parse("2026-11-24T08:00:00Z");
  const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();
  const prometheus: Prometheus = {
    query: async () => ({ kind: "Vector", samples: [{ labels: {}, value: 3, at: now }] }),
    queryRange: async () => ({ kind: "Matrix", series: [] }),
    close: async () => {},
  };
  const message = async (since: number) => {
    const policy = { steps: [{ weight: 5, hold: "1m" }, { weight: 100 }], analysis: [errors] };
    const status = { phase: "Progressing", stepEnteredAt: ago(since), stepStartedAt: ago(since) };
    return (await analyse(rolloutFixture({ spec: { policy }, status }), prometheus, now))?.checks[0]?.message;
  };
  const errors = check({ metric: "ErrorRate", above: 0.01, minSample: 50 });

  it("says that it will never have them, once that can be seen", async () => {
    expect(await message(10)).toBe("3 samples, at least 50 are needed");
    expect(await message(120)).toBe(
      "3 samples, at least 50 are needed; at this traffic about 3 in a hold: lengthen hold or raise the weight or lower minSample",
    );
  });
});
