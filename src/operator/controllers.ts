import {
  type Clock,
  Controller,
  done,
  type EventRecorder,
  type Fence,
  formatKey,
  isKubeError,
  type Kube,
  type Outcome,
  type Requeue,
  WriteTracker,
} from "../kube/index.ts";
import type { PrometheusSources } from "../signals/index.ts";
import type { Caches } from "./caches.ts";
import { reconcile as embeddingService } from "./embedding-service/reconcile.ts";
import { log } from "./log.ts";
import { reconcile as modelRollout } from "./model-rollout/reconcile.ts";
import { reconcile as modelVersion } from "./model-version/reconcile.ts";
import type { Ownerships } from "./ownership.ts";
import type { Ports, Settings, Turn } from "./ports.ts";
import { reconcile as retraining } from "./retraining/reconcile.ts";
import { sourcesOf } from "./sources.ts";
import { reconcile as threatModel } from "./threat-model/reconcile.ts";

export type Wiring = {
  readonly kube: Kube;
  readonly caches: Caches;
  readonly events: EventRecorder;
  readonly sources: PrometheusSources;
  readonly metrics: Ports["metrics"];
  readonly settings: Settings;
  readonly clock: Clock;
};

const reconcilers = {
  embeddingServices: ["EmbeddingService", embeddingService],
  threatModels: ["ThreatModel", threatModel],
  retrainings: ["Retraining", retraining],
  modelVersions: ["ModelVersion", modelVersion],
  modelRollouts: ["ModelRollout", modelRollout],
} as const satisfies Record<string, readonly [string, (turn: Turn) => Promise<Requeue>]>;

/** The controllers of the five kinds for one term of leadership. */
export function controllersOf(wiring: Wiring, fence: Fence | null): Controller[] {
  const kube = fence ? wiring.kube.fenced(fence) : wiring.kube;
  const ownerships: Ownerships = new WeakMap();
  const sources = sourcesOf(wiring.caches, wiring.settings.resync);
  const kinds = ["embeddingServices", "threatModels", "retrainings", "modelVersions", "modelRollouts"] as const;
  return kinds.map((plural) => {
    const [kind, reconcile] = reconcilers[plural];
    const ports: Ports = { ...wiring, kube, ownerships, writes: new WriteTracker({ clock: wiring.clock }) };
    return new Controller({
      name: kind,
      sources: sources[plural],
      writes: ports.writes,
      clock: wiring.clock,
      reconcile: async ({ namespace, name }, signal) => {
        // One that is there and cannot be read is not deleted: it is left alone until it can be, which its change tells.
        if (namespace === undefined || wiring.caches[plural].unreadable({ namespace, name })) return done;
        return await untilTerminating(() => reconcile({ ...ports, key: { namespace, name }, signal }));
      },
      queue: { hooks: { depth: (keys) => wiring.metrics.queueDepth.set({ kind }, keys) } },
      onOutcome: (key, outcome, ms) => report(wiring, kind, formatKey(key), outcome, ms),
    });
  });
}

/** In a namespace that is being deleted nothing can be made, and nothing need be: what is there is being deleted too. */
async function untilTerminating(reconcile: () => Promise<Requeue>): Promise<Requeue> {
  try {
    return await reconcile();
  } catch (error) {
    if (isKubeError(error, "NamespaceTerminating")) return done;
    throw error;
  }
}

function report({ metrics }: Wiring, kind: string, key: string, outcome: Outcome, ms: number): void {
  if (outcome.kind === "Behind" || outcome.kind === "Aborted") return;
  metrics.reconcileDuration.observe({ kind }, ms / 1000);
  const failed = outcome.kind === "Retry" || outcome.kind === "Panic";
  metrics.reconciles.inc({ kind, outcome: failed ? "Retried" : outcome.kind });
  // Somebody else was quicker: that is what preconditions are for, and no news.
  if (!failed || isKubeError(outcome.error, "Conflict")) return;
  // The server is away: that is said once for all of them.
  if (isKubeError(outcome.error, "Unavailable", "Timeout") && outcome.error.status === 0) return;
  const stack = outcome.kind === "Panic" ? { stack: outcome.error.stack } : {};
  log(outcome.kind === "Panic" ? "error" : "warn", outcome.error.message, {
    kind,
    key,
    outcome: outcome.kind,
    ...stack,
  });
}
