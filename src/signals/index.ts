export {
  type AnalysisMetric,
  alarmQuery,
  analysisMetrics,
  analysisQuery,
  type BuiltInSignal,
  builtInSignals,
  fillPlaceholders,
  type Measurement,
  type RolloutScope,
  type Scope,
} from "./builtin.ts";
export { type AlarmSignal, evaluate, type LimitSignal, type Signal } from "./evaluate.ts";
export { advanceHold, type Hold, hasHeld, notHolding } from "./hold.ts";
export {
  type Answer,
  type Prometheus,
  type PrometheusSettings,
  prometheusClient,
  type RangeAnswer,
  type Sample,
  type Series,
} from "./prometheus.ts";
export type { Clock, Reason, SourceFault, Verdict } from "./verdict.ts";
