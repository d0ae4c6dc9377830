export { type AlertRule, alertRules, type RuleFile } from "./alert-rules.ts";
export { allMetrics, type Catalogue, catalogue } from "./catalogue.ts";
export { type Dashboard, grafanaDashboard } from "./dashboard.ts";
export type { MetricDefinition } from "./metric.ts";
export { type Instrument, type Instruments, instruments, processRegistry } from "./registry.ts";
