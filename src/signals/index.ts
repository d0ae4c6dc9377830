export {
  type AnalysisMetric,
  alarmQuery,
  analysisMetrics,
  analysisQuery,
  type BuiltInSignal,
  fillPlaceholders,
  type Measurement,
  type RolloutScope,
  type Scope,
} from "./builtin.ts";
export { type AlarmSignal, evaluate, type LimitSignal, type Signal } from "./evaluate.ts";
export { advanceHold, type Hold, hasHeld } from "./hold.ts";
export {
  type Prometheus,
  prometheusClient,
  type RangeAnswer,
} from "./prometheus.ts";
export {
  isAllowed,
  namesSecrets,
  onAllowList,
  type Permission,
  PrometheusSources,
  type ReadSecret,
  type Refusal,
} from "./prometheus-sources.ts";
export type { SourceFault, Verdict } from "./verdict.ts";
