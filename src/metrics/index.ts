export * from "./catalogue.ts";
export * from "./metric.ts";
export * from "./registry.ts";
