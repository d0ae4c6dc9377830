import { decisionReserve, type ModelRollout, mostDecisions } from "../../api/index.ts";
import { done, isBeingDeleted, type Requeue, type Stored } from "../../kube/index.ts";
import { takenOf } from "../audit-trail.ts";
import { discard, ensure } from "../ensure.ts";
import { recordSaid } from "../occurrences.ts";
import type { Turn } from "../ports.ts";
import type { Stalled } from "../rule.ts";
import type { Said } from "../said.ts";
import { saveStatus, withDecisions } from "../save.ts";
import { setField } from "../set-field.ts";
import { servedUri } from "../workload.ts";
import { decide } from "./decide.ts";
import { canRestoreField } from "./go-back.ts";
import { observe } from "./observe.ts";
import { poolDeployment, poolsWanted } from "./resources.ts";
import type { Observed, Pool } from "./world.ts";

export async function reconcile(turn: Turn): Promise<Requeue> {
  const { caches, key, clock, settings, metrics } = turn;
  const rollout = caches.modelRollouts.get(key);
  if (!rollout || isBeingDeleted(rollout)) return done;
  const now = clock.now();
  const observed = await observe(turn, rollout, now);
  const world = { ...observed, refused: await carryOut(turn, rollout, observed, now) };
  const { status, said, wakeAfter } = decide(world, now);
  const next = withDecisions(status, said, takenOf(world.service, rollout.metadata.uid), now, mostWaiting(said));
  // The audit chain is behind: it is asked again when the service has caught up. Going back has had its room kept.
  if (!next) return { after: 1000 };
  const saved = await saveStatus(turn, caches.modelRollouts, rollout, next);
  if (saved) {
    recordSaid(turn, rollout, said);
    if (next.finishedAt !== undefined && rollout.status.finishedAt === undefined) {
      metrics.rollouts.inc({ namespace: key.namespace, service: rollout.spec.serviceRef.name, phase: next.phase });
    }
  }
  const ended = next.phase === "Promoted" || next.phase === "RolledBack";
  // A pool that may not be removed is asked for again.
  if (ended) return world.refused ? { after: settings.resync, backoff: true } : done;
  const after = Math.min(settings.resync, Math.max(10, wakeAfter ?? settings.resync));
  return { after, backoff: world.refused !== null };
}

/** What ends a promotion or a rollback is said at most once a rollout: for that there is always room. */
function mostWaiting(said: readonly Said[]): number {
  return said.some(({ kind }) => reserved.has(kind)) ? mostDecisions : mostDecisions - decisionReserve;
}

const reserved: ReadonlySet<string> = new Set(["VersionPromoted", "RollbackStarted", "RolledBack"]);

/** What follows from the status that is saved: pools beside the workload, and the workload's one field. */
async function carryOut(
  turn: Turn,
  rollout: Stored<ModelRollout>,
  world: Observed,
  now: number,
): Promise<Stalled | null> {
  const { service, workload } = world;
  const { phase, patched } = rollout.status;
  const { from, to } = rollout.spec;
  const problems: (Stalled | null)[] = [];
  // First of all: no pool that cannot be made or removed holds back what a bad model is left by.
  if (service && workload && canRestoreField(world)) {
    problems.push(await setField(turn, service, workload, from.uri));
  }
  const wanted = poolsWanted(world, now);
  const pools = [
    { model: to, replicas: wanted.candidate, pool: world.candidate },
    { model: from, replicas: wanted.previous, pool: world.previous },
  ];
  for (const { model, replicas, pool } of pools) {
    if (replicas === null) {
      if (pool) problems.push(await remove(turn, pool));
    } else if (service && workload && !world.obstacle) {
      const { name, namespace } = service.metadata;
      const desired = poolDeployment(workload, { name, namespace, model: service.spec.model }, model, replicas);
      problems.push(await ensure(turn, turn.caches.deployments, desired, rollout));
    }
  }
  const promotes = phase === "Promoting" && !patched && world.owners.length === 0;
  // Only over the value that it is known to have: what anybody else has put there stands (decision 24).
  if (service && workload && promotes && servedUri(workload) === from.uri) {
    problems.push(await setField(turn, service, workload, to.uri));
  }
  // A name that is taken is seen before: see `obstacle`.
  return problems.find((problem) => problem !== null && problem.reason !== "NameTaken") ?? null;
}

async function remove(turn: Turn, pool: Pool): Promise<Stalled | null> {
  const { deployments } = turn.caches;
  const existing = deployments.get({ namespace: turn.key.namespace, name: pool.name });
  if (existing?.metadata.deletionTimestamp !== undefined) return null;
  return await discard(turn, deployments, { metadata: pool });
}
