import { describe, expect, it } from "vitest";
import { type ModelRollout, modelRollout, modelVersion } from "../api/index.ts";
import { answeringSince, predecessor } from "./requested-rollout.ts";

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

function rollout(from: string, to: string, phase: string, weights: object[] = []): ModelRollout {
  return modelRollout.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "ModelRollout",
    metadata: { name: `to-${to}`, namespace: "search" },
    spec: { serviceRef: { name: "shop" }, from: end(from), to: end(to), reason: "Promotion", policy: {} },
    status: { phase, weights },
  });
}
const version = (character: string) =>
  modelVersion.parse({
    apiVersion: "evenkeel.dev/v1alpha1",
    kind: "ModelVersion",
    metadata: { name: model(character).name, namespace: "search" },
    spec: { serviceRef: { name: "shop" }, identity: "Digest", digest: digest(character), uri: model(character).uri },
  });

const weights = [
  { weight: 0, mirror: true, at: "2026-11-24T08:00:00Z" },
  { weight: 5, at: "2026-11-24T08:05:00Z" },
  { weight: 100, at: "2026-11-24T08:10:00Z" },
];
const rollouts = [rollout("a", "c", "RolledBack", weights), rollout("a", "b", "Promoted", weights)];

describe("the active version", () => {
  it("took over from the version that its rollout came from", () => {
    expect(predecessor(model("b"), rollouts, [version("a"), version("b")])?.metadata.name).toBe("shop-a");
    expect(predecessor(model("a"), rollouts, [version("a")])).toBeNull();
  });

  it("has embedded documents since it answered the first request, not since it was mirrored to", () => {
    expect(answeringSince(model("b"), rollouts)).toBe("2026-11-24T08:05:00Z");
  });

  it("that was rolled back, or that no rollout brought, has no such time", () => {
    expect(answeringSince(model("c"), rollouts)).toBeNull();
    expect(answeringSince(model("a"), rollouts)).toBeNull();
  });
});
