import type {
  Cause,
  EmbeddingService,
  GatewayConfig,
  ModelRollout,
  ModelVersion,
  MonitorState,
  Retraining,
  SignalStatus,
  ThreatModel,
  Trigger,
} from "../../api/index.ts";
import type { Gateway } from "../documents.ts";
import type { Ownership } from "../ownership.ts";
import type { Stalled } from "../rule.ts";
import type { Workload } from "../workload.ts";

/** A trigger's signal now. */
export type SignalState = {
  readonly trigger: Trigger;
  readonly status: SignalStatus;
  /** Whether it has failed for as long as the trigger asks for. */
  readonly held: boolean;
  readonly learning: boolean;
  readonly query: string;
};

/** A trigger's schedule now. */
export type ScheduleState = {
  readonly trigger: Trigger;
  /** The scheduled instant that is to be acted on, ms. */
  readonly due: number | null;
  readonly next: number | null;
  /** Why it cannot be read. */
  readonly problem: string | null;
};

/** What keeps training from the store: for the user to put right, or to wait for. */
export type StoreProblem = Stalled & { readonly kind: "Stalled" | "Wait" };

/** Everything that a decision about a service is taken from. */
export type Observed = {
  readonly service: EmbeddingService;
  /** Why what was decided before is not in the audit trail; null when it is. */
  readonly trail: Stalled | null;
  readonly workload: Workload | null;
  readonly ownership: Ownership;
  readonly signals: readonly SignalState[];
  readonly schedules: readonly ScheduleState[];
  /** What is wrong with the source of signals, such as a URL that is not allowed. */
  readonly source: Stalled | null;
  readonly store: StoreProblem | null;
  readonly threatModel: ThreatModel | null;
  /** The run that the status names. */
  readonly run: Retraining | null;
  /** The rollout that the status names. */
  readonly rollout: ModelRollout | null;
  /** Objects made by people that wait for their turn, oldest first. */
  readonly waitingRuns: readonly Retraining[];
  readonly waitingRollouts: readonly ModelRollout[];
  /** What is there and cannot be read, by what it is to the service; what is known of it is older, or nothing. */
  readonly unreadable: {
    readonly run: Stalled | null;
    readonly rollout: Stalled | null;
    readonly threatModel: Stalled | null;
  };
  /** Runs and rollouts of the service, for their decisions and for names. */
  readonly runs: readonly Retraining[];
  readonly rollouts: readonly ModelRollout[];
  /** For what of it is old enough to go. */
  readonly versions: readonly ModelVersion[];
  readonly snapshot: MonitorState["snapshot"];
  readonly autocorrelation: MonitorState["autocorrelation"];
  /** What gateways are told now, null when they were never told. */
  readonly config: GatewayConfig | null;
  /** Pods of the gateway, and why one of them does not run. */
  readonly gateway: { readonly ready: number; readonly wanted: number; readonly trouble: string | null };
  /** Gateway pods that exist, and those that have left a report. */
  readonly gateways: readonly Gateway[];
  /** Ids and data digests that causes would have now, by trigger. */
  readonly causes: readonly Cause[];
};
