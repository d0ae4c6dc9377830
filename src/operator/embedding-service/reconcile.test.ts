import { expect, it, vi } from "vitest";
import { faultyTurn } from "../../../test/harness/refusing-turn.ts";
import { genesis, link } from "../../audit/index.ts";
import { embeddingServices } from "../../kinds.ts";
import { finalizers } from "../labels.ts";
import { rolloutFixture } from "../rollout.fixture.ts";
import { runFixture } from "../run.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import { reconcile } from "./reconcile.ts";

const stored = { uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-24T07:00:00Z" };
const digest = `sha256:${"a".repeat(64)}`;
const active = { name: "shop-a", digest, uri: `store://models/shop@${digest}` };
const pending = link(genesis, [
  { kind: "VersionAdopted", subject: "ModelVersion/shop-a", at: "2026-11-24T07:30:00Z", detail: "{}" },
]);

const parsed = serviceFixture({
  metadata: { finalizers: [finalizers.service] },
  spec: { historyLimit: 1 },
  status: { activeVersion: active, firstVersion: active, audit: { seq: 1, head: pending[0]?.hash, pending } },
});
const service = { ...parsed, metadata: { ...parsed.metadata, ...stored } };

/** A rollback that a person asks for, and more of a past than is kept. */
const asked = rolloutFixture({ spec: { reason: "Rollback" } });
const past = ["a", "b"].map((name) =>
  runFixture({ metadata: { name }, status: { phase: "Rejected", finishedAt: "2026-11-24T07:30:00Z" } }),
);

it.each([
  ["configmaps", "AuditNotWritten", true],
  ["modelversions", "Refused", true],
  ["retrainings", "WorkloadMissing", false],
])("a webhook on %s that is down holds up no rollback and no status", async (plural, reason, backoff) => {
  const { turn, stop } = await faultyTurn("Down", plural);
  const { caches, kube, key } = turn;
  vi.spyOn(caches.embeddingServices, "get").mockReturnValue(service);
  vi.spyOn(caches.modelRollouts, "by").mockReturnValue([{ ...asked, metadata: { ...asked.metadata, ...stored } }]);
  const runs = past.map((run) => ({ ...run, metadata: { ...run.metadata, ...stored } }));
  vi.spyOn(caches.retrainings, "by").mockReturnValue(runs);
  const deletes = vi.spyOn(kube, "delete");
  try {
    expect(await reconcile(turn)).toMatchObject({ backoff });
    const saved = await kube.get(embeddingServices, key);
    expect(saved?.status.rollout).toMatchObject({ name: asked.metadata.name });
    expect(saved?.status.conditions.find(({ type }) => type === "Stalled")).toMatchObject({ status: "True", reason });
    expect(saved?.status.audit.pending.map(({ kind }) => kind)).toEqual(
      plural === "configmaps" ? ["VersionAdopted", "RolloutAccepted"] : ["RolloutAccepted"],
    );
    expect(deletes).toHaveBeenCalledTimes(1);
  } finally {
    await stop();
  }
});
