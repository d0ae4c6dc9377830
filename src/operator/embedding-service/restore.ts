import type { ModelRollout } from "../../api/index.ts";
import type { Rule } from "../rule.ts";
import type { Observed } from "./world.ts";

/**
 * What a service does to get back to a version. What a rollout itself sees, it acts on itself: see
 * `model-rollout/decide.ts`.
 */
export type Restoration =
  | { readonly kind: "None" }
  /** The rollout under way makes room. */
  | { readonly kind: "Abort"; readonly rollout: string; readonly why: string }
  /** A rollout made by a person gets its turn. */
  | { readonly kind: "Begin"; readonly rollout: ModelRollout };

/** Nothing holds a rollback back, nor does the audit trail: see `decide` (decision 25). */
export const restore: readonly Rule<Observed, Restoration>[] = [
  makeWayForRollback,
  rollBackRequested,
  rollOutRequested,
];

export const nothingToRestore: Restoration = { kind: "None" };

function makeWayForRollback({ rollout, waitingRollouts }: Observed): Restoration | null {
  const requested = waitingRollouts.find(isRollback);
  if (!requested || !rollout || !isUnderWay(rollout)) return null;
  if (rollout.spec.abort) return nothingToRestore;
  return { kind: "Abort", rollout: rollout.metadata.name, why: `${requested.metadata.name} was asked for` };
}

function rollBackRequested({ service, rollout, waitingRollouts }: Observed): Restoration | null {
  const requested = waitingRollouts.find(isRollback);
  if (!requested || !service.status.activeVersion) return null;
  if (service.status.rollout && (!rollout || rollout.status.phase === "RollingBack")) return null;
  return { kind: "Begin", rollout: requested };
}

/** `evenkeel promote`: it waits until nothing else is under way. */
function rollOutRequested({ service, rollout, waitingRollouts }: Observed): Restoration | null {
  const [requested] = waitingRollouts;
  if (!requested || !service.status.activeVersion) return null;
  if (service.status.rollout && (!rollout || isUnderWay(rollout))) return null;
  return { kind: "Begin", rollout: requested };
}

export function isRollback({ spec }: ModelRollout): boolean {
  return spec.reason === "Rollback";
}

/** A rollout that only watches what it promoted holds nothing up. */
export function isUnderWay({ status: { phase } }: ModelRollout): boolean {
  return phase !== "Watching" && phase !== "Promoted" && phase !== "RolledBack";
}
