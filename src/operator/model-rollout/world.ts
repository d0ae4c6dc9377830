import type { CheckStatus, EmbeddingService, EmbeddingServiceStatus, ModelRollout } from "../../api/index.ts";
import type { Stalled } from "../rule.ts";
import type { Workload } from "../workload.ts";

/** Pods of one digest beside the workload: a Deployment of the rollout's own. */
export type Pool = {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly replicas: number;
  readonly readyReplicas: number;
};

/** What gateways are told of routing, and whether all that are ready have it in force. */
export type Routing = {
  readonly generation: number;
  readonly stable: string;
  readonly candidate: { readonly digest: string; readonly weight: number; readonly mirror: boolean } | null;
  readonly inForce: boolean;
};

/** One look at the checks. */
export type Analysis = {
  readonly at: number;
  readonly verdict: "Pass" | "Fail" | "NoData" | "SourceError";
  readonly checks: readonly CheckStatus[];
  /** Whole seconds of hold with every check passing, this look included. */
  readonly heldFor: number;
  readonly heldTo: number;
};

/** Everything that a decision about a rollout is taken from. */
export type Observed = {
  readonly rollout: ModelRollout;
  /** null when there is none any more, or none that stays. */
  readonly service: EmbeddingService | null;
  /** Why there is one that cannot be read; nothing is done meanwhile. */
  readonly unreadable: Stalled | null;
  /** Why the service cannot write its audit trail, and since when, ms; null when it can. What goes forth waits for it. */
  readonly trail: (Stalled & { readonly since: number }) | null;
  readonly workload: Workload | null;
  /** Who else owns the workload's field, by a dry run. */
  readonly owners: readonly string[];
  readonly candidate: Pool | null;
  readonly previous: Pool | null;
  /** What stands in the way of making a pool: a name that is taken, or what would catch its pods. */
  readonly obstacle: Stalled | null;
  /** What the API server would not have this time. It is asked again, and holds nothing else back. */
  readonly refused: Stalled | null;
  readonly routing: Routing | null;
  /** Documents embedded by version, with what gateways have reported since the service's status. */
  readonly documents: EmbeddingServiceStatus["documents"];
  /** null when none is due. */
  readonly analysis: Analysis | null;
};
