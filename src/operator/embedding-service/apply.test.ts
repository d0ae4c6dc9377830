import { describe, expect, it } from "vitest";
import { faultyTurn, refusingTurn } from "../../../test/harness/refusing-turn.ts";
import { type EmbeddingService, gatewayConfig } from "../../api/index.ts";
import type { Stored } from "../../kube/index.ts";
import { rolloutFixture } from "../rollout.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import { apply } from "./apply.ts";
import { decide } from "./decide.ts";
import { statusOf } from "./reconcile.ts";
import { now, world as observed, signal, workload } from "./world.fixture.ts";
import type { Observed } from "./world.ts";

const digest = `sha256:${"a".repeat(64)}`;
const active = { name: "shop-a", digest, uri: `store://models/shop@${digest}` };
const stored = { uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-24T07:00:00Z" };

const parsed = serviceFixture({
  spec: { triggers: [{ name: "attack", signal: "AdversarialAnomaly", then: "Protect" }] },
  status: { activeVersion: active, firstVersion: active },
});
const service: Stored<EmbeddingService> = { ...parsed, metadata: { ...parsed.metadata, ...stored } };

/** An attack is under way. */
const world: Observed = {
  ...observed({
    workload: workload(active.uri),
    threatModel: null,
    signals: service.spec.triggers.map((trigger) => ({ ...signal("Protect", "Fail"), trigger })),
  }),
  service,
};

const rollback = rolloutFixture({ metadata: { name: "back" }, spec: { reason: "Rollback" } });

describe.each([
  ["refuses", "Refused", "exceeded quota"],
  ["has a webhook down on", "Down", "failed calling webhook"],
] as const)("a service of which the API server %s something", (_, fault, message) => {
  it.each([["poddisruptionbudgets"], ["serviceaccounts", "services"], ["modelversions"]])(
    "is protected all the same: %s",
    async (...plurals) => {
      const { turn, made, stop } = await faultyTurn(fault, ...plurals);
      try {
        const decision = decide(world, now);
        expect(decision.protection.kind).toBe("On");
        const { stalled, routing } = await apply(turn, service, world, decision);
        expect(stalled).toEqual(
          plurals.map((plural) => ({ reason: "Refused", message: expect.stringContaining(`${message}: ${plural}`) })),
        );
        expect(routing?.generation).toBe(1);
        const told = made.get("configmaps/shop-gateway")?.data?.["gateway.json"] ?? "null";
        expect(gatewayConfig.parse(JSON.parse(told)).protection.active).toBe(true);
      } finally {
        await stop();
      }
    },
  );

  it("was told nothing when it is that which was refused", async () => {
    const { turn, stop } = await faultyTurn(fault, "configmaps");
    try {
      const { stalled, routing } = await apply(turn, service, world, decide(world, now));
      expect(stalled.length).toBeGreaterThan(0);
      expect(routing).toBeUndefined();
    } finally {
      await stop();
    }
  });
});

describe("a rollout that is named", () => {
  const next = {
    name: "shop-b",
    digest: `sha256:${"b".repeat(64)}`,
    uri: `store://models/shop@sha256:${"b".repeat(64)}`,
  };
  const slot = {
    name: "shop-b-1",
    uid: "",
    phase: "Pending" as const,
    weight: 0,
    to: next,
    retraining: "",
    needsApproval: "",
  };
  const naming: Stored<EmbeddingService> = { ...service, status: { ...service.status, rollout: slot } };

  it.each([
    ["is made", [], "u", true],
    ["is not made once a rollback has taken its place", [rollback], undefined, false],
  ])("%s", async (_, waitingRollouts, uid, isMade) => {
    const { turn, made, stop } = await refusingTurn();
    try {
      const named = { ...world, service: naming, waitingRollouts };
      const applied = await apply(turn, naming, named, decide(named, now));
      expect(applied.made.rollout).toBe(uid);
      expect(made.has("modelrollouts/shop-b-1")).toBe(isMade);
    } finally {
      await stop();
    }
  });
});

describe("what a service's status says of it", () => {
  const problem = { reason: "Refused", message: "exceeded quota" };
  const after = (before: EmbeddingService, at: number) =>
    statusOf(
      { service: before, trail: null },
      decide({ ...world, service: before }, at),
      { stalled: [problem], routing: undefined, made: {} },
      at,
    );

  it("stays as it is while it stays refused", () => {
    const first = after(service, now);
    expect(first.phase).toBe("Stalled");
    expect(first.conditions.find(({ type }) => type === "Stalled")).toMatchObject({ status: "True", ...problem });
    const second = after({ ...service, status: first }, now + 60_000);
    expect(second.conditions).toEqual(first.conditions);
  });
});
