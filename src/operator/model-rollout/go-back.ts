import { handsOff } from "../hands-off.ts";
import { instant } from "../instant.ts";
import { type Contest, ownedBy, servedUri, setBySomebody } from "../workload.ts";
import { type Advance, stay } from "./advance.ts";
import type { Observed } from "./world.ts";

/** Whether the workload is to be given its old version again. */
export function mustRestoreField({ rollout }: Pick<Observed, "rollout">): boolean {
  const { phase, reason, promotedAt, patched } = rollout.status;
  return phase === "RollingBack" && (patched || promotedAt !== undefined) && !handsOff.has(reason);
}

/** Only over the value that it is known to have, and nobody else's: an apply would be refused (decision 24). */
export function canRestoreField({ rollout, workload, owners }: Observed): boolean {
  return (
    workload !== null &&
    mustRestoreField({ rollout }) &&
    servedUri(workload) === rollout.spec.to.uri &&
    owners.length === 0
  );
}

/**
 * A rollback is done when the workload has its old version again and no gateway is told of the candidate. It waits for
 * no gateway's answer: one that cannot be reached falls back when the candidate's pods are gone (decision 32).
 *
 * A field that is somebody else's is left to them (docs/decisions/0021): one that they share is given back when they let
 * go of it, and a value of theirs stands and ends it. Until then the pods that are kept of the version before answer.
 */
export function goBack(world: Observed, now: number): Advance {
  const { rollout, workload, routing } = world;
  const { reason, message } = rollout.status;
  const theirs = theirValue(world);
  if (theirs) {
    if (awaitsTheirPods(world)) return stay(theirs.reason, theirs.message, null, theirs);
  } else if (mustRestoreField(world) && workload) {
    const shared = sharedField(world);
    if (shared) return stay(shared.reason, shared.message, null, shared);
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
        facts: { reason, active: rollout.spec.from.digest, ...(theirs ? { contested: theirs.message } : {}) },
      },
    ],
    wakeAfter: null,
    reason,
    message,
    stalled: theirs,
  };
}

/** A value that stands: one that is neither of the rollout's, or any once the field was given up. */
function theirValue({ rollout, workload, service }: Observed): Contest | null {
  const { spec, status } = rollout;
  if (!workload || !service) return null;
  if (status.reason === "FieldContested") return { reason: "FieldContested", message: status.message };
  const served = servedUri(workload);
  if (handsOff.has(status.reason) || served === spec.from.uri || served === spec.to.uri) return null;
  return setBySomebody(service.spec.model, served);
}

/** Ended before a pod serves their value, the requests would have no pod: those that are kept would go. */
function awaitsTheirPods({ rollout, workload, previous }: Observed): boolean {
  if (!rollout.status.fallback || !previous || !workload) return false;
  return servedUri(workload) === null || workload.readyOfTemplate === 0;
}

/** The new version's value, owned by others too. */
function sharedField({ rollout, workload, service, owners }: Observed): Contest | null {
  if (!workload || !service || owners.length === 0 || servedUri(workload) !== rollout.spec.to.uri) return null;
  const { reason, message } = ownedBy(service.spec, owners);
  return {
    reason,
    message: `${message}; it is then set back to ${rollout.spec.from.uri}`,
  };
}
