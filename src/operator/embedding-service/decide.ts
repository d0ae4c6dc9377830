import type { EmbeddingServiceStatus } from "../../api/index.ts";
import { roomIn } from "../audit-room.ts";
import { spentReports, withDocuments } from "../documents.ts";
import { first } from "../rule.ts";
import type { Said } from "../said.ts";
import { type Protection, protect, unprotected } from "./protect.ts";
import { isRollback, nothingToRestore, type Restoration, restore } from "./restore.ts";
import { type Retrain, retrain, steady } from "./retrain.ts";
import { type Settled, settle } from "./settle.ts";
import { statusAfter } from "./status.ts";
import type { Observed } from "./world.ts";

/** What to do with a service now, and what its status says afterwards. */
export type Decision = {
  readonly protection: Protection;
  readonly restoration: Restoration;
  readonly retraining: Retrain;
  readonly status: EmbeddingServiceStatus;
  /** Names of gateway reports that are of no more use. */
  readonly spentReports: readonly string[];
  /** For the audit chain. */
  readonly said: readonly Said[];
};

/**
 * What to do with a service now. First what the run and the rollout under way have brought is taken in; then three lists
 * of rules decide independently, so that what holds back a retraining never holds back protection or a rollback
 * (decision 25).
 */
export function decide(observed: Observed, now: number): Decision {
  const settled = settleInRoom(observed, now);
  const world = rollbacksInRoom(named(observed, settled.status), settled.said.length);
  const protection = first(protect, world, now) ?? unprotected;
  const restoration = first(restore, world, now) ?? nothingToRestore;
  const retraining = first(retrain, world, now) ?? steady(world);
  const after = statusAfter(world, { protection, restoration, retraining }, now);
  const { status } = observed.service;
  return {
    protection,
    restoration,
    retraining,
    status: withDocuments(status, after.status, observed.gateways, now),
    spentReports: spentReports(status, observed.gateways, now),
    said: [...settled.said, ...after.said],
  };
}

/**
 * Entries that may still wait while the trail cannot be written, apart from that of the start of protection; without bound
 * while it can be.
 */
function room({ trail, service: { status } }: Observed): number {
  if (!trail) return Number.POSITIVE_INFINITY;
  return roomIn(status.audit) - (status.protection?.active ? 0 : 1);
}

/** What a rollout has brought stays to be taken in when there is no room to say it. */
function settleInRoom(observed: Observed, now: number): Settled {
  const settled = settle(observed, now);
  return settled.said.length <= room(observed) ? settled : { status: observed.service.status, said: [] };
}

/** While the trail cannot be written only a rollback gets its turn, when there is room for it and for what it activates. */
function rollbacksInRoom(world: Observed, taken: number): Observed {
  if (!world.trail) return world;
  const has = room(world) - taken >= 2;
  return { ...world, waitingRollouts: has ? world.waitingRollouts.filter(isRollback) : [] };
}

/** The world under a new status: a run or a rollout that it no longer names is no longer the one under way. */
function named(observed: Observed, status: EmbeddingServiceStatus): Observed {
  const { run, rollout, service } = observed;
  const sameModel = status.activeVersion?.digest === service.status.activeVersion?.digest;
  return {
    ...observed,
    // They were about another model: the signals are asked anew.
    causes: sameModel ? observed.causes : [],
    service: { ...observed.service, status },
    run: run && run.metadata.name === status.retraining?.name ? run : null,
    rollout: rollout && rollout.metadata.name === status.rollout?.name ? rollout : null,
  };
}
