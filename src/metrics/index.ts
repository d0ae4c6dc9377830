export { alertRules } from "./alert-rules.ts";
export { type Catalogue, catalogue } from "./catalogue.ts";
export { grafanaDashboard } from "./dashboard.ts";
export type { MetricDefinition } from "./metric.ts";
export { type Instruments, instruments, processRegistry, removeSeries } from "./registry.ts";
