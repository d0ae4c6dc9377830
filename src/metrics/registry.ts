import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { CounterDefinition, GaugeDefinition, HistogramDefinition, MetricDefinition } from "./metric.ts";

/** The prom-client instrument that a definition becomes, with its labels in the type. */
export type Instrument<Definition> =
  Definition extends CounterDefinition<infer Label>
    ? Counter<Label>
    : Definition extends GaugeDefinition<infer Label>
      ? Gauge<Label>
      : Definition extends HistogramDefinition<infer Label>
        ? Histogram<Label>
        : never;

export type Instruments<Part> = { readonly [Key in keyof Part]: Instrument<Part[Key]> };

/**
 * Makes the instruments of one part of the catalogue.
 *
 * @param part      definitions, such as `catalogue.gateway`
 * @param registry  where the instruments are registered
 * @returns an instrument under each of the part's keys
 * @throws {Error} when a name is registered already
 */
export function instruments<Part extends Readonly<Record<string, MetricDefinition>>>(
  part: Part,
  registry: Registry,
): Instruments<Part> {
  const built = Object.entries(part).map(([key, definition]) => [key, instrument(definition, registry)]);
  // Object.entries forgets which key has which type; registry.test.ts checks each.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(built) as Instruments<Part>;
}

function instrument(definition: MetricDefinition, registry: Registry): Counter | Gauge | Histogram {
  const { name, help } = definition;
  const settings = { name, help, labelNames: [...definition.labels], registers: [registry] };
  switch (definition.type) {
    case "counter":
      return new Counter(settings);
    case "gauge":
      return new Gauge(settings);
    case "histogram":
      return new Histogram({ ...settings, buckets: [...(definition.buckets ?? [])] });
    default:
      return definition.type satisfies never;
  }
}

/** Removes the series of a gauge that have these values, whatever their other labels are. */
export async function removeSeries<Label extends string>(
  gauge: Gauge<Label>,
  values: Readonly<Partial<Record<NoInfer<Label>, string>>>,
): Promise<void> {
  const wanted = new Map<string, unknown>(Object.entries(values));
  const { values: series } = await gauge.get();
  for (const { labels } of series) {
    const own = new Map<string, unknown>(Object.entries(labels));
    if ([...wanted].every(([label, value]) => own.get(label) === value)) gauge.remove(labels);
  }
}

/** @returns a registry of its own with Node's process metrics (event loop lag, heap, CPU) */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
