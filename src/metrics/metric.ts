/** The units that metrics are in: Prometheus base units, or a plain number. */
export type Unit = "seconds" | "bytes" | "ratio" | "info" | "none";

export type MetricType = "counter" | "gauge" | "histogram";

/**
 * One metric: its name, what it means, and its labels, defined once.
 *
 * Names follow the Prometheus conventions: prefix `evenkeel_`, base units as a suffix, `_total` for counters
 * (https://prometheus.io/docs/practices/naming).
 */
export type MetricDefinition<Label extends string = string> = {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly unit: Unit;
  readonly labels: readonly Label[];
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly buckets?: readonly number[];
};

type Definition<Label extends string, Type extends MetricType> = MetricDefinition<Label> & { readonly type: Type };
export type CounterDefinition<Label extends string = string> = Definition<Label, "counter">;
export type GaugeDefinition<Label extends string = string> = Definition<Label, "gauge">;
export type HistogramDefinition<Label extends string = string> = Definition<Label, "histogram"> & {
  readonly buckets: readonly number[];
};

export function counter<const Label extends string>(
  name: `evenkeel_${string}_total`,
  help: string,
  labels: readonly Label[],
): CounterDefinition<Label> {
  return { name, help, type: "counter", unit: unitOf(name.slice(0, -"_total".length)), labels };
}

export function gauge<const Label extends string>(
  name: `evenkeel_${string}`,
  help: string,
  labels: readonly Label[],
): GaugeDefinition<Label> {
  return { name, help, type: "gauge", unit: unitOf(name), labels };
}

export function histogram<const Label extends string>(
  name: `evenkeel_${string}`,
  help: string,
  labels: readonly Label[],
  buckets: readonly number[],
): HistogramDefinition<Label> {
  return { name, help, type: "histogram", unit: unitOf(name), labels, buckets };
}

function unitOf(name: string): Unit {
  if (name.endsWith("_seconds")) return "seconds";
  if (name.endsWith("_bytes")) return "bytes";
  if (name.endsWith("_ratio")) return "ratio";
  if (name.endsWith("_info")) return "info";
  return "none";
}
