import { expect, it, vi } from "vitest";
import { faultyTurn } from "../../../test/harness/refusing-turn.ts";
import { runFixture } from "../run.fixture.ts";
import { serviceFixture } from "../service.fixture.ts";
import { prune } from "./prune.ts";

it.each([
  ["may not", "Refused", "quota"],
  ["cannot", "Down", "webhook"],
] as const)("a past that %s be deleted is told, and tried no further this time", async (_, fault, why) => {
  const stored = { uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-24T07:00:00Z" };
  const { turn, stop } = await faultyTurn(fault, "retrainings");
  const asked = vi.spyOn(turn.kube, "delete");
  const told = vi.spyOn(turn.events, "record");
  const runs = ["a", "b", "c"].map((name) =>
    runFixture({ metadata: { ...stored, name }, status: { phase: "Rejected", finishedAt: "2026-11-24T07:30:00Z" } }),
  );
  const parsed = serviceFixture({ spec: { historyLimit: 1 } });
  const service = { ...parsed, metadata: { ...parsed.metadata, ...stored } };
  try {
    await prune(turn, service, { service, runs, rollouts: [], versions: [] });
    expect(asked).toHaveBeenCalledTimes(1);
    expect(told).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ type: "Warning", reason: "HistoryNotPruned", note: expect.stringContaining(why) }),
    );
  } finally {
    await stop();
  }
});
