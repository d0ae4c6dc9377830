/**
 * What of src each folder of src may import: the map of the house in CONTRIBUTING.md, which must be the same
 * (tools/import-map.test.ts). src/main.ts and src/cli wire everything together.
 */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  api: [],
  kinds: ["api", "kube"],
  kube: [],
  operator: ["api", "kinds", "kube", "signals", "audit", "metrics"],
  signals: ["api", "metrics"],
  gateway: ["api", "kube", "monitor", "registry", "metrics"],
  monitor: ["api"],
  model: ["registry", "monitor"],
  training: ["api", "model", "monitor", "registry"],
  evaluation: ["api", "model", "monitor", "training", "registry"],
  serve: ["model", "registry"],
  registry: ["api"],
  packing: ["registry"],
  audit: ["api"],
  metrics: [],
  overview: ["api", "kinds", "kube", "audit"],
  dashboard: ["api", "kube", "signals", "overview", "metrics"],
};
