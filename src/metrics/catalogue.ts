import { counter, gauge, histogram, type MetricDefinition } from "./metric.ts";

/** Labels that say which service, and which of its models by digest, a figure is about. */
const service = ["namespace", "service"] as const;
const model = [...service, "model"] as const;
const signal = [...model, "signal"] as const;

const latencies = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const cosines = [0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1] as const;

/**
 * What the monitor says of each built-in signal. One family serves all of them, told apart by the label `signal`, so
 * that one query, one alert rule and one panel serve them too. Metrics with the label `signal` and the time of the last
 * block are exported only by the gateway that holds the service's lease (decision 33).
 */
export const monitorMetrics = {
  alarm: gauge("evenkeel_monitor_alarm", "Whether the signal's alarm is latched: 1, or 0.", signal),
  alarmNumber: gauge(
    "evenkeel_monitor_alarm_number",
    "Number of the signal's last alarm; it is persisted and never goes back.",
    signal,
  ),
  learning: gauge(
    "evenkeel_monitor_learning",
    "Whether the signal has no reference or calibration yet, or a reference too small for an alarm: 1, or 0.",
    signal,
  ),
  log10Evalue: gauge(
    "evenkeel_monitor_log10_evalue",
    "Decimal logarithm of the e-detector's evidence, the mean of M over its bets.",
    signal,
  ),
  log10Threshold: gauge(
    "evenkeel_monitor_log10_threshold",
    "Decimal logarithm of the evidence at which the alarm is raised: expected blocks between false alarms.",
    signal,
  ),
  log10Reachable: gauge(
    "evenkeel_monitor_log10_reachable",
    "Decimal logarithm of the most evidence that the reference's blocks can bring: below the threshold no alarm can be raised.",
    signal,
  ),
  neededInputs: gauge(
    "evenkeel_monitor_reference_inputs_needed",
    "Inputs of a reference dataset, about, with which the evidence can just reach the threshold.",
    signal,
  ),
  effectSize: gauge(
    "evenkeel_monitor_effect_size",
    "Size of the shift: distance of means in standard deviations of the reference; for AdversarialAnomaly the flagged share.",
    signal,
  ),
  pValue: gauge(
    "evenkeel_monitor_p_value",
    "The p-value of the window test: a diagnostic that never raises an alarm.",
    signal,
  ),
  samples: gauge("evenkeel_monitor_samples", "Vectors, probes or pods behind the signal's last step.", signal),
  referenceBlocks: gauge(
    "evenkeel_monitor_reference_blocks",
    "Reference blocks that are left before the e-detector starts over.",
    signal,
  ),
  lastBlock: gauge(
    "evenkeel_monitor_last_block_timestamp_seconds",
    "End of the last statistics block with enough vectors to be measured, in Unix time.",
    model,
  ),
  blockAutocorrelation: gauge(
    "evenkeel_monitor_block_autocorrelation",
    "Autocorrelation of successive blocks' means: above about 0.2 blocks are shorter than the traffic's bursts.",
    service,
  ),
  blocks: counter(
    "evenkeel_monitor_blocks_total",
    "Statistics blocks by result: bet, short, empty, late or learning.",
    [...model, "result"],
  ),
  vectors: counter(
    "evenkeel_monitor_vectors_total",
    "Vectors by what the statistics did with them: counted, dropped (queue full) or bypassed (own probes).",
    [...model, "result"],
  ),
  consistencyScored: counter(
    "evenkeel_monitor_consistency_scored_total",
    "Inputs that were embedded again in squeezed form and scored.",
    [...model, "pool"],
  ),
  consistencyFlagged: counter(
    "evenkeel_monitor_consistency_flagged_total",
    "Inputs whose consistency score is over the squeezer's threshold.",
    [...model, "pool"],
  ),
  flaggedShareLowerBound: gauge(
    "evenkeel_monitor_flagged_share_lower_bound",
    "Lower confidence bound of the share of flagged inputs: what AdversarialAnomaly is decided on.",
    model,
  ),
  flaggedShareThreshold: gauge(
    "evenkeel_monitor_flagged_share_threshold",
    "The lower bound that raises AdversarialAnomaly: minShare of the service.",
    model,
  ),
  outliers: counter(
    "evenkeel_monitor_outliers_total",
    "Vectors with a conformal p-value under 0.01: evidence, never a reason to quarantine.",
    model,
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
  upstreamErrors: counter(
    "evenkeel_gateway_upstream_errors_total",
    "Requests that a pod did not answer, by reason: connect, reset, timeout or none (no ready pod).",
    [...model, "pool", "reason"],
  ),
  readyPods: gauge(
    "evenkeel_gateway_ready_pods",
    "Pods that are ready and match their probes, so that they get traffic.",
    [...model, "pool"],
  ),
  probeMatchedPods: gauge(
    "evenkeel_gateway_probe_matched_pods",
    "Pods whose canary probes match the expected vectors.",
    [...model, "pool"],
  ),
  probedPods: gauge("evenkeel_gateway_probed_pods", "Pods whose canary probes were compared.", [...model, "pool"]),
  probeDistance: gauge(
    "evenkeel_gateway_probe_cosine_distance",
    "Largest 1 minus cosine between a canary probe's vector and the expected one, over pods.",
    [...model, "pool"],
  ),
  routingGeneration: gauge(
    "evenkeel_gateway_routing_generation",
    "Generation of the routing configuration in force.",
    service,
  ),
  weight: gauge("evenkeel_gateway_weight_ratio", "Share of requests that a pool is given, 0 to 1.", [...model, "pool"]),
  vectors: counter("evenkeel_gateway_vectors_total", "Vectors seen in answers.", [...model, "pool"]),
  documents: counter(
    "evenkeel_gateway_documents_total",
    "Documents embedded for an index: inputs of answered requests with x-evenkeel-route: documents.",
    model,
  ),
  uncountedDocuments: counter(
    "evenkeel_gateway_uncounted_document_requests_total",
    "Answered requests with x-evenkeel-route: documents whose documents could not be counted.",
    model,
  ),
  invalidVectors: counter(
    "evenkeel_gateway_invalid_vectors_total",
    "Vectors in answers that are wrong, by reason: not_finite, length or norm.",
    [...model, "pool", "reason"],
  ),
  unparsed: counter(
    "evenkeel_gateway_unparsed_total",
    "Requests for embeddings that passed but that the statistics could not read, by reason: size, encoding, json, shape, empty or input.",
    [...model, "pool", "reason"],
  ),
  mirrorCosine: histogram(
    "evenkeel_gateway_mirror_cosine",
    "Cosine of the stable's and the candidate's vector of one mirrored input, negative ones as 0; model is the candidate's.",
    model,
    cosines,
  ),
  mirroredRequests: counter(
    "evenkeel_gateway_mirrored_requests_total",
    "Requests that stable answered, by what the candidate made of a copy: answered, failed, refused (though stable answers the copy), unjudged (about credentials or load, no connection, no time, or refused by both) or dropped (not sent).",
    [...model, "result"],
  ),
  refusedRequests: counter(
    "evenkeel_gateway_refused_requests_total",
    "Requests of clients that the candidate refused (3xx or 4xx), by who refuses a copy of it: alone, both, unclear (the answers do not tell) or unasked (a bound, or no pod of stable); model is the candidate's.",
    [...model, "result"],
  ),
  protectionActive: gauge("evenkeel_gateway_protection_active", "Whether protection is on: 1, or 0.", service),
  protectedRequests: counter(
    "evenkeel_gateway_protected_requests_total",
    "Requests while protection is on, by action: tagged, blocked, passed or unscored (over a bound).",
    [...model, "action"],
  ),
  capturedSamples: counter(
    "evenkeel_gateway_captured_samples_total",
    "Inputs considered for capture, by result: stored, dropped or failed.",
    [...service, "result"],
  ),
  certificateLoads: counter(
    "evenkeel_gateway_certificate_loads_total",
    "Certificates taken from spec.gateway.tls, by result: loaded, or failed (the one before is kept).",
    [...service, "result"],
  ),
  certificateNotAfter: gauge(
    "evenkeel_gateway_certificate_not_after_timestamp_seconds",
    "End of the validity of the certificate that clients are shown, in Unix time.",
    service,
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
  eventsLost: counter(
    "evenkeel_operator_events_lost_total",
    "Events that people do not see, by reason: why the API server would not have them, or Dropped for too many of one object.",
    ["reason"],
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
    "evenkeel_rollout_weight",
    "Percentage of requests that a rollout gives to the candidate.",
    service,
  ),
  circuitOpen: gauge("evenkeel_retraining_circuit_open", "Whether the circuit is open for a class of cause: 1, or 0.", [
    ...service,
    "class",
  ]),
  // A service that was deleted and made anew under its name has another chain, which begins at 1.
  auditSequence: gauge("evenkeel_audit_sequence", "Number of the audit chain's last entry.", [...service, "uid"]),
  auditHead: gauge("evenkeel_audit_head_info", "Hash of the audit chain's last entry: always 1.", [...service, "head"]),
} as const;

export const catalogue = {
  monitor: monitorMetrics,
  gateway: gatewayMetrics,
  operator: operatorMetrics,
} as const;
export type Catalogue = typeof catalogue;

/** Every metric, in the catalogue's order. */
export const allMetrics: readonly MetricDefinition[] = Object.values(catalogue).flatMap((part) => Object.values(part));
