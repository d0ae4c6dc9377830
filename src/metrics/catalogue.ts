import { counter, gauge, histogram, type MetricDefinition } from "./metric.ts";

/** Labels that say which service, and which of its models by digest, a figure is about. */
const service = ["namespace", "service"] as const;
const model = [...service, "model"] as const;
const signal = [...model, "signal"] as const;

const latencies = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const cosineDistances = [1e-4, 1e-3, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2] as const;

/**
 * What the monitor says of each built-in signal. One family serves all of them, told apart by the label `signal`, so
 * that one query, one alert rule and one panel serve them too. Only the gateway that holds the service's lease exports
 * it (decision 33).
 */
export const signalMetrics = {
  failing: gauge(
    "evenkeel_signal_failing",
    "Whether the signal's alarm is latched: 1, or 0. Absent while the signal is learning.",
    signal,
  ),
  calibrated: gauge(
    "evenkeel_signal_calibrated",
    "Whether the signal has a reference and calibration: 1, or 0 while it is learning.",
    signal,
  ),
  alarms: gauge("evenkeel_signal_alarm_number", "Number of the signal's last alarm; it survives restarts.", signal),
  statistic: gauge(
    "evenkeel_signal_statistic",
    "The statistic that the signal decides on: the e-detector's mean evidence, or the lower bound of the flagged share.",
    signal,
  ),
  threshold: gauge("evenkeel_signal_threshold", "The level at which the signal's alarm is raised.", signal),
  effect: gauge(
    "evenkeel_signal_effect",
    "Size of the shift: distance of means in standard deviations of the reference, or the flagged share.",
    signal,
  ),
  pValue: gauge(
    "evenkeel_signal_p_value",
    "p-value of the window test: a diagnostic that never raises an alarm.",
    signal,
  ),
  samples: gauge("evenkeel_signal_samples", "Vectors or probes behind the signal's last step.", signal),
  blockTime: gauge(
    "evenkeel_signal_block_timestamp_seconds",
    "End of the last statistics block that the signal took in, in Unix time.",
    signal,
  ),
  blocks: counter("evenkeel_signal_blocks_total", "Statistics blocks by outcome: Bet, Short, Empty or Late.", [
    ...signal,
    "outcome",
  ]),
  referenceBlocks: gauge(
    "evenkeel_signal_reference_blocks",
    "Reference blocks left before the detector starts over.",
    signal,
  ),
} as const;

/** Exported by each gateway pod. */
export const gatewayMetrics = {
  requests: counter("evenkeel_gateway_requests_total", "Requests answered, by pool and status code.", [
    ...model,
    "pool",
    "code",
  ]),
  requestDuration: histogram(
    "evenkeel_gateway_request_duration_seconds",
    "Time from a request's first byte to its answer's last, by pool.",
    [...model, "pool"],
    latencies,
  ),
  requestsInFlight: gauge("evenkeel_gateway_requests_in_flight", "Requests being answered now.", [...model, "pool"]),
  upstreamPods: gauge(
    "evenkeel_gateway_upstream_pods",
    "Pods of the workload by model and state: Ready, NotReady or ProbeMismatch.",
    [...model, "state"],
  ),
  routingGeneration: gauge(
    "evenkeel_gateway_routing_generation",
    "Generation of the routing configuration in force.",
    service,
  ),
  weight: gauge("evenkeel_gateway_weight_ratio", "Share of requests that a pool is given, 0 to 1.", [...model, "pool"]),
  vectors: counter("evenkeel_gateway_vectors_total", "Vectors seen in answers.", [...model, "pool"]),
  invalidVectors: counter(
    "evenkeel_gateway_invalid_vectors_total",
    "Vectors in answers that are wrong: NotFinite, WrongLength or WrongNorm.",
    [...model, "pool", "reason"],
  ),
  statisticsDropped: counter(
    "evenkeel_gateway_statistics_dropped_total",
    "Vectors left out of the statistics because the queue was full.",
    model,
  ),
  mirrorDistance: histogram(
    "evenkeel_gateway_mirror_cosine_distance",
    "1 minus the cosine of the stable's and the candidate's vector of one mirrored input; model is the candidate's.",
    model,
    cosineDistances,
  ),
  mirrorFailures: counter(
    "evenkeel_gateway_mirror_failures_total",
    "Mirrored requests that got no usable answer.",
    model,
  ),
  probePods: gauge(
    "evenkeel_gateway_probe_pods",
    "Pods whose canary probes are Matched or Mismatched, or have not been compared yet (Pending).",
    [...model, "result"],
  ),
  probeDistance: gauge(
    "evenkeel_gateway_probe_cosine_distance",
    "Largest 1 minus cosine between a canary probe's vector and the expected one, over pods.",
    model,
  ),
  protectionActive: gauge("evenkeel_gateway_protection_active", "Whether protection is on: 1, or 0.", service),
  protectedRequests: counter(
    "evenkeel_gateway_protected_requests_total",
    "Requests scored while protection is on, by action: Passed, Tagged, Blocked, or Unscored (over a bound).",
    [...model, "action"],
  ),
  consistencyProbes: counter(
    "evenkeel_gateway_consistency_probes_total",
    "Inputs embedded again in squeezed form, by squeezer and result: Clean, Flagged or Failed.",
    [...model, "pool", "squeezer", "result"],
  ),
  outliers: counter(
    "evenkeel_gateway_outliers_total",
    "Vectors with a conformal p-value under 0.01: evidence, never a reason to quarantine.",
    model,
  ),
  capturedSamples: counter(
    "evenkeel_gateway_captured_samples_total",
    "Inputs considered for capture, by outcome: Stored, Quarantined, Dropped or Failed.",
    [...service, "outcome"],
  ),
} as const;

/** Exported by the operator. */
export const operatorMetrics = {
  reconciles: counter(
    "evenkeel_operator_reconciles_total",
    "Reconciles by kind and outcome: Done, Retried or Stalled.",
    ["kind", "outcome"],
  ),
  reconcileDuration: histogram(
    "evenkeel_operator_reconcile_duration_seconds",
    "Duration of a reconcile, by kind.",
    ["kind"],
    latencies,
  ),
  queueDepth: gauge("evenkeel_operator_queue_depth", "Keys waiting in a work queue.", ["kind"]),
  leader: gauge("evenkeel_operator_leader", "Whether this replica leads: 1, or 0.", []),
  watchRestarts: counter(
    "evenkeel_operator_watch_restarts_total",
    "Watches that were started again, by kind and reason.",
    ["kind", "reason"],
  ),
  verdicts: gauge(
    "evenkeel_trigger_verdict",
    "Verdict of a trigger: 1 for the verdict in force (Pass, Fail, NoData, SourceError), 0 for the others.",
    [...service, "trigger", "verdict"],
  ),
  phase: gauge("evenkeel_service_phase", "Phase of a service: 1 for the one in force.", [...service, "phase"]),
  modelInfo: gauge("evenkeel_service_model_info", "The active model: always 1.", [...service, "model", "version"]),
  retrainings: counter("evenkeel_retrainings_total", "Runs that ended, by class of cause and phase.", [
    ...service,
    "class",
    "phase",
  ]),
  gpuTime: counter("evenkeel_retraining_gpu_seconds_total", "GPU time that runs have used, by class of cause.", [
    ...service,
    "class",
  ]),
  gates: gauge("evenkeel_gate_value", "Value of a gate in the last run that was gated.", [...service, "gate"]),
  rollouts: counter("evenkeel_rollouts_total", "Rollouts that ended, by phase: Promoted or RolledBack.", [
    ...service,
    "phase",
  ]),
  rolloutWeight: gauge(
    "evenkeel_rollout_weight_ratio",
    "Share of requests that a rollout gives to the candidate.",
    service,
  ),
  circuitOpen: gauge("evenkeel_retraining_circuit_open", "Whether the circuit is open for a class of cause: 1, or 0.", [
    ...service,
    "class",
  ]),
  auditSequence: gauge("evenkeel_audit_sequence", "Number of the audit chain's last entry.", service),
  auditHead: gauge("evenkeel_audit_head_info", "Hash of the audit chain's last entry: always 1.", [...service, "head"]),
} as const;

/** Exported by a training container while it runs. */
export const trainingMetrics = {
  step: gauge("evenkeel_training_step", "Optimizer steps done.", ["run"]),
  steps: gauge("evenkeel_training_steps", "Optimizer steps planned.", ["run"]),
  loss: gauge("evenkeel_training_loss", "Loss of the last step, by term.", ["run", "term"]),
  progress: gauge("evenkeel_training_curriculum_strength_ratio", "Strength of the curriculum, 0 to 1.", ["run"]),
} as const;

export const catalogue = {
  signal: signalMetrics,
  gateway: gatewayMetrics,
  operator: operatorMetrics,
  training: trainingMetrics,
} as const;
export type Catalogue = typeof catalogue;

/** Every metric, in the catalogue's order. */
export const allMetrics: readonly MetricDefinition[] = Object.values(catalogue).flatMap((part) => Object.values(part));
