import { describe, expect, it } from "vitest";
import { type EmbeddingServiceStatus, modelVersion } from "../../api/index.ts";
import { rolloutFixture } from "../rollout.fixture.ts";
import { runFixture } from "../run.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import { outdated } from "./history.ts";

const digest = (character: string): string => `sha256:${character.repeat(64)}`;
const uri = (character: string): string => `store://models/shop@${digest(character)}`;
const nameOf = (character: string): string => `shop-${character.repeat(12)}`;
const at = (day: number): string => `2026-11-${String(day).padStart(2, "0")}T00:00:00Z`;
const decision = { n: 1, at: at(1), kind: "RunFailed", detail: "{}" };

/** The run that made a version out of `a`, on that day of the month. */
const run = (name: string, day: number, made: string, status: object = {}) =>
  runFixture({
    metadata: { name, creationTimestamp: at(day) },
    status: { phase: "Rejected", finishedAt: at(day), bundle: uri(made), modelVersion: nameOf(made), ...status },
  });

const rollout = (name: string, day: number, from: string, to: string, status: object = {}) => {
  const end = (character: string) => ({ version: nameOf(character), digest: digest(character), uri: uri(character) });
  return rolloutFixture({
    metadata: { name, creationTimestamp: at(day) },
    spec: { from: end(from), to: end(to) },
    status: { phase: "Promoted", finishedAt: at(day), ...status },
  });
};

const version = (character: string, day: number) =>
  modelVersion.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "ModelVersion",
    metadata: { name: nameOf(character), namespace: "search", creationTimestamp: at(day) },
    spec: { serviceRef: { name: "shop" }, identity: "Digest", digest: digest(character), uri: uri(character) },
  });

type Past = Partial<Omit<Parameters<typeof outdated>[0], "service">>;

/** Names of what goes when one of each is kept. */
function going(past: Past, status: Partial<EmbeddingServiceStatus> = {}, historyLimit = 1) {
  const service = serviceFixture({ spec: { historyLimit }, status });
  const { runs, rollouts, versions } = outdated({ service, runs: [], rollouts: [], versions: [], ...past });
  return [...runs, ...rollouts, ...versions].map(({ metadata }) => metadata.name);
}

const model = (character: string) => ({ name: nameOf(character), digest: digest(character), uri: uri(character) });
const slot = { uid: "u", phase: "Rejected" };

describe("finished runs", () => {
  const runs = [run("old", 1, "b"), run("new", 3, "c"), run("middle", 2, "d")];

  it("beyond the limit go, the newest stay, by when they ended", () => {
    expect(going({ runs })).toEqual(["middle", "old"]);
    expect(going({ runs }, {}, 2)).toEqual(["old"]);
    expect(going({ runs }, {}, 3)).toEqual([]);
  });

  it("are not those at work", () => {
    for (const phase of ["Pending", "Training", "Evaluating", "Gating"]) {
      expect(going({ runs: [run("old", 1, "b", { phase }), run("new", 2, "c")] })).toEqual([]);
    }
  });

  it.each<[string, Partial<EmbeddingServiceStatus>]>([
    ["whose GPU time is not in the ledger yet", { retraining: { ...slot, name: "old", gpuSeconds: 60 } }],
    ["that made the active version", { activeVersion: model("b") }],
    ["that made the baseline", { baselineVersion: model("b") }],
    ["that made the first version", { firstVersion: model("b") }],
    [
      "whose version is rolled out",
      { rollout: { ...slot, name: "move", to: model("b"), retraining: "", needsApproval: "", weight: 5 } },
    ],
    [
      "that the rollout answers for",
      { rollout: { ...slot, name: "move", retraining: "old", needsApproval: "", weight: 5 } },
    ],
  ])("do not go: one %s", (_, status) => {
    expect(going({ runs }, status)).toEqual(["middle"]);
  });

  it("do not go before their decisions are in the audit chain", () => {
    const unsaid = run("old", 1, "b", { decisions: [decision] });
    expect(going({ runs: [unsaid, run("new", 2, "c")] })).toEqual([]);
  });

  it("do not go while a rollout that waits for its turn is of their version", () => {
    const waiting = rollout("waiting", 9, "c", "b", { phase: "Pending" });
    expect(going({ runs, rollouts: [waiting] })).toEqual(["middle"]);
  });
});

describe("finished rollouts", () => {
  const rollouts = [rollout("first", 1, "a", "b"), rollout("second", 2, "b", "c", { phase: "RolledBack" })];

  it("beyond the limit go, unless the status names them or their decisions are under way", () => {
    expect(going({ rollouts })).toEqual(["first"]);
    const named = { ...slot, name: "first", retraining: "", needsApproval: "", weight: 0 };
    expect(going({ rollouts }, { rollout: named })).toEqual([]);
    const unsaid = rollout("first", 1, "a", "b", { decisions: [decision] });
    expect(going({ rollouts: [unsaid, ...rollouts.slice(1)] })).toEqual([]);
  });

  it("are not those that watch, or wait", () => {
    for (const phase of ["Pending", "Watching", "Paused"]) {
      expect(going({ rollouts: [rollout("first", 1, "a", "b", { phase }), ...rollouts.slice(1)] })).toEqual([]);
    }
  });
});

describe("versions", () => {
  const versions = [version("a", 1), version("b", 2), version("c", 3), version("d", 4)];

  it("that nothing names go when they are beyond the limit", () => {
    expect(going({ versions }, { activeVersion: model("a") }, 2)).toEqual([nameOf("b")]);
  });

  it("stay while a run or a rollout that stays names them", () => {
    expect(going({ versions, runs: [run("kept", 9, "c")] })).toEqual([nameOf("b")]);
    expect(going({ versions, rollouts: [rollout("kept", 9, "b", "c")] })).toEqual([nameOf("a")]);
    expect(going({ versions, runs: [run("at-work", 9, "c", { phase: "Gating", modelVersion: "" })] })).toEqual([
      nameOf("b"),
    ]);
  });

  it("go together with the last object that named them", () => {
    const rollouts = [rollout("old", 1, "a", "b"), rollout("kept", 9, "c", "d")];
    expect(going({ versions, rollouts })).toEqual(["old", nameOf("b"), nameOf("a")]);
  });
});
