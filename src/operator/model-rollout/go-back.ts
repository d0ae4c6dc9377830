import { instant } from "../instant.ts";
import { servedUri } from "../workload.ts";
import { type Advance, stay } from "./advance.ts";
import { handsOff } from "./restore.ts";
import type { Observed } from "./world.ts";

/** Whether the workload is to be given its old version again. */
export function mustRestoreField({ rollout }: Pick<Observed, "rollout">): boolean {
  const { phase, reason, promotedAt, patched } = rollout.status;
  return phase === "RollingBack" && (patched || promotedAt !== undefined) && !handsOff.has(reason);
}

/**
 * A rollback is done when the workload has its old version again and no gateway is told of the candidate. It waits for
 * no gateway's answer: one that cannot be reached falls back when the candidate's pods are gone (decision 32).
 */
export function goBack(world: Observed, now: number): Advance {
  const { rollout, workload, routing } = world;
  const { reason, message } = rollout.status;
  if (mustRestoreField(world) && workload) {
    if (servedUri(workload) !== rollout.spec.from.uri)
      return stay("Restoring", "the workload is given its old version", 5000);
    if (workload.rolling !== "Complete") return stay("Restoring", "the workload's pods are being replaced", 5000);
  }
  if (world.service && routing?.candidate?.digest === rollout.spec.to.digest) {
    return stay("Restoring", "gateways are told to leave the candidate", 2000);
  }
  return {
    status: { phase: "RolledBack", finishedAt: instant(now), fallback: false },
    said: [
      {
        kind: "RolledBack",
        subject: `ModelRollout/${rollout.metadata.name}`,
        facts: { reason, active: rollout.spec.from.digest },
      },
    ],
    wakeAfter: null,
    reason,
    message,
    stalled: null,
  };
}
