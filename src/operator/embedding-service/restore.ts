import type { ModelRollout } from "../../api/index.ts";
import type { Rule } from "../rule.ts";
import type { Observed } from "./world.ts";

/**
 * What a service does to get back to a version. What a rollout itself sees, it acts on itself: see
 * `model-rollout/decide.ts`.
 */
export type Restoration =
  | { readonly kind: "None" }
  /** The rollout under way makes room, or one that waits is not needed. */
  | { readonly kind: "Abort"; readonly rollout: ModelRollout }
  /** A rollout made by a person gets its turn. */
  | { readonly kind: "Begin"; readonly rollout: ModelRollout };

/** Nothing holds a rollback back, nor does the audit trail: see `decide` (decision 25). */
export const restore: readonly Rule<Observed, Restoration>[] = [
  dropRepeatedRollback,
  makeWayForRollback,
  rollBackRequested,
  rollOutRequested,
];

export const nothingToRestore: Restoration = { kind: "None" };

/** Asked for twice: the first, aborted to make way, would give back the very version that is being left. */
function dropRepeatedRollback(world: Observed): Restoration | null {
  const { rollout } = world;
  if (!rollout || !isRollback(rollout) || isGoingBack(rollout)) return null;
  const repeated = rollbacks(world).find(({ spec }) => spec.to.digest === rollout.spec.to.digest);
  return repeated ? { kind: "Abort", rollout: repeated } : null;
}

function makeWayForRollback(world: Observed): Restoration | null {
  const { rollout } = world;
  if (rollbacks(world).length === 0 || !rollout || !isUnderWay(rollout)) return null;
  return isGoingBack(rollout) ? nothingToRestore : { kind: "Abort", rollout };
}

/** A rollout that is named and not made yet, or that nobody lets be made, holds nothing up. */
function rollBackRequested(world: Observed): Restoration | null {
  const [requested] = rollbacks(world);
  return requested && world.service.status.activeVersion ? { kind: "Begin", rollout: requested } : null;
}

/** `evenkeel promote`: it waits until nothing else is under way. */
function rollOutRequested(world: Observed): Restoration | null {
  const { service, rollout } = world;
  const [requested] = requests(world);
  if (!requested || !service.status.activeVersion) return null;
  if (service.status.rollout && (!rollout || isUnderWay(rollout))) return null;
  return { kind: "Begin", rollout: requested };
}

/** One that was aborted while it waited ends without a turn. */
function requests({ waitingRollouts }: Observed): ModelRollout[] {
  return waitingRollouts.filter(({ spec }) => !spec.abort);
}

function rollbacks(world: Observed): ModelRollout[] {
  return requests(world).filter(isRollback);
}

export function isRollback({ spec }: ModelRollout): boolean {
  return spec.reason === "Rollback";
}

function isGoingBack({ spec, status }: ModelRollout): boolean {
  return spec.abort || status.phase === "RollingBack";
}

/** A rollout that only watches what it promoted holds nothing up. */
export function isUnderWay({ status: { phase } }: ModelRollout): boolean {
  return phase !== "Watching" && phase !== "Promoted" && phase !== "RolledBack";
}
