import { describe, expect, it } from "vitest";
import { type ModelRollout, modelRollout, modelVersion } from "../api/index.ts";
import { answeringSince, predecessor, rollbackUnderWay } from "./requested-rollout.ts";

const digest = (character: string): string => `sha256:${character.repeat(64)}`;
const model = (character: string) => ({
  name: `shop-${character}`,
  digest: digest(character),
  uri: `store://models/shop@${digest(character)}`,
});
const end = (character: string) => ({
  version: model(character).name,
  digest: digest(character),
  uri: model(character).uri,
});

type Change = { readonly weights?: object[]; readonly reason?: string; readonly abort?: boolean };

function rollout(from: string, to: string, phase: string, change: Change = {}): ModelRollout {
  const { weights = [], reason = "Promotion", abort = false } = change;
  return modelRollout.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "ModelRollout",
    metadata: { name: `${from}-to-${to}`, namespace: "search" },
    spec: { serviceRef: { name: "shop" }, from: end(from), to: end(to), reason, policy: {}, abort },
    status: { phase, weights },
  });
}
const version = (character: string, retiredAt?: string) =>
  modelVersion.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "ModelVersion",
    metadata: { name: model(character).name, namespace: "search" },
    spec: { serviceRef: { name: "shop" }, identity: "Digest", digest: digest(character), uri: model(character).uri },
    status: { retiredAt },
  });

const weights = [
  { weight: 0, mirror: true, at: "2026-11-24T08:00:00Z" },
  { weight: 5, at: "2026-11-24T08:05:00Z" },
  { weight: 100, at: "2026-11-24T08:10:00Z" },
];
const rollouts = [rollout("a", "c", "RolledBack", { weights }), rollout("a", "b", "Promoted", { weights })];

describe("the active version", () => {
  it("has embedded documents since it answered the first request, not since it was mirrored to", () => {
    expect(answeringSince(model("b"), rollouts)).toBe("2026-11-24T08:05:00Z");
  });

  it("that was rolled back, or that no rollout brought, has no such time", () => {
    expect(answeringSince(model("c"), rollouts)).toBeNull();
    expect(answeringSince(model("a"), rollouts)).toBeNull();
  });
});

describe("the version before", () => {
  const versions = ["a", "b", "c"].map((each) => version(each));
  const forth = (from: string, to: string) => rollout(from, to, "Promoted");
  const back = (from: string, to: string) => rollout(from, to, "Watching", { reason: "Rollback" });
  /** @param rollouts  newest first */
  const before = (active: string, ...rollouts: ModelRollout[]) => {
    const found = predecessor(model(active), rollouts, versions);
    return found.kind === "None" ? "None" : `${found.kind} ${found.version.metadata.name}`;
  };

  it.each<[string, string, ModelRollout[], string]>([
    [
      "that the active one was rolled out over",
      "b",
      [rollout("a", "c", "RolledBack"), forth("a", "b")],
      "Version shop-a",
    ],
    ["of the first one: none", "a", [], "None"],
    ["of one that was gone back to: not the one that was left", "a", [back("b", "a"), forth("a", "b")], "None"],
    ["of that, two steps back", "b", [back("c", "b"), forth("b", "c"), forth("a", "b")], "Version shop-a"],
    ["was left itself by a rollback", "a", [back("b", "a"), forth("b", "a"), forth("a", "b")], "Left shop-b"],
    ["was left, and rolled out again since", "c", [forth("b", "c"), forth("a", "b"), back("b", "a")], "Version shop-b"],
    [
      "was to be left by a rollback that came to nothing",
      "c",
      [rollout("b", "a", "RolledBack", { reason: "Rollback" }), forth("b", "c"), forth("a", "b")],
      "Version shop-b",
    ],
  ])("%s", (_, active, rollouts, expected) => {
    expect(before(active, ...rollouts)).toBe(expected);
  });

  it.each<[string, string, ModelRollout[], string]>([
    ["the one that was active last", "c", [forth("a", "b")], "Version shop-b"],
    ["none, when that had been rolled out over it", "a", [forth("a", "b")], "None"],
    ["none, when it was gone back to with a rollback", "a", [back("c", "a"), forth("b", "c"), forth("a", "b")], "None"],
  ])("of one that no rollout brought forth is %s", (_, active, rollouts, expected) => {
    const [a, b, c] = [version("a", "2026-11-24T08:00:00Z"), version("b", "2026-11-24T09:00:00Z"), version("c")];
    const found = predecessor(model(active), rollouts, [a, b, c]);
    expect(found.kind === "None" ? "None" : `${found.kind} ${found.version.metadata.name}`).toBe(expected);
  });

  it("is none when it has gone", () => {
    expect(predecessor(model("b"), [forth("a", "b")], [version("b")])).toEqual({ kind: "None" });
  });
});

describe("a rollback under way", () => {
  const asked = (phase: string, change: Change = {}) => rollout("b", "a", phase, { reason: "Rollback", ...change });
  const underWay = (...rollouts: ModelRollout[]) => rollbackUnderWay(model("b"), version("a"), rollouts);

  it.each(["Pending", "Progressing", "Paused", "Promoting", "Watching"])(
    "is the same as one that is asked for: %s",
    (phase) => {
      const first = asked(phase);
      expect(underWay(rollout("b", "c", "Progressing"), first)).toBe(first);
    },
  );

  it.each([
    ["that is over", asked("Promoted")],
    ["that goes back itself", asked("RollingBack")],
    ["that was aborted", asked("Progressing", { abort: true })],
    ["of an earlier time, from another version", rollout("c", "a", "Pending", { reason: "Rollback" })],
    ["to another version", rollout("b", "c", "Progressing", { reason: "Rollback" })],
    ["that is a promotion", asked("Progressing", { reason: "Manual" })],
  ])("is not one %s", (_, other) => {
    expect(underWay(other)).toBeUndefined();
  });
});
