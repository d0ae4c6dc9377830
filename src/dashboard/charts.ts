import { catalogue, type MetricDefinition } from "../metrics/index.ts";
import type { Prometheus, RangeAnswer } from "../signals/index.ts";

/** A chart that the browser draws: lines over time, each point `[ms, value]`. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly help: string;
  readonly unit: "" | "%" | "s" | "/s";
  readonly lines: readonly {
    readonly name: string;
    readonly dashed: boolean;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

export interface Charts {
  readonly from: number;
  readonly to: number;
  readonly charts: readonly Chart[];
  /** Why there is nothing to draw, or null. */
  readonly fault: string | null;
}

const { monitor: monitorMetrics, gateway: gatewayMetrics, operator: operatorMetrics } = catalogue;

/** Ranges that can be asked for, in minutes. */
export const ranges: Readonly<Record<string, number>> = { "15m": 15, "1h": 60, "6h": 360, "24h": 1440, "7d": 10_080 };

interface Query {
  readonly promql: string;
  /** Names a line by its labels. */
  readonly name: (labels: Readonly<Record<string, string>>) => string;
  readonly dashed?: true;
}

interface Panel extends Omit<Chart, "lines"> {
  readonly queries: readonly Query[];
  /** One chart for each value of this label, its title then starting with it. */
  readonly by?: "signal";
}

/**
 * What is drawn of a service. Every query names the namespace and the service (decision 40).
 *
 * @param window  of rates, seconds: a few points wide, so that lines are not jagged
 */
function panels(namespace: string, service: string, window: number): readonly Panel[] {
  const matchers = `namespace=${JSON.stringify(namespace)}, service=${JSON.stringify(service)}`;
  const of = ({ name }: MetricDefinition, suffix = "") => `${name}${suffix}{${matchers}}`;
  const rate = (metric: MetricDefinition, suffix = "") => `rate(${of(metric, suffix)}[${window}s])`;
  const label = (key: string) => (labels: Readonly<Record<string, string>>) => labels[key] ?? "";
  const called = (name: string) => () => name;
  return [
    {
      id: "evidence",
      title: "evidence",
      help: `${monitorMetrics.log10Evalue.help} The alarm is raised at the dashed line.`,
      unit: "",
      by: "signal",
      queries: [
        { promql: `max by (signal) (${of(monitorMetrics.log10Evalue)})`, name: called("log10 e-value") },
        { promql: `max by (signal) (${of(monitorMetrics.log10Threshold)})`, name: called("threshold"), dashed: true },
      ],
    },
    {
      id: "flagged",
      title: "Inputs that the consistency probe flags",
      help: monitorMetrics.flaggedShareLowerBound.help,
      unit: "%",
      queries: [
        { promql: `100 * max(${of(monitorMetrics.flaggedShareLowerBound)})`, name: called("lower bound") },
        { promql: `100 * max(${of(monitorMetrics.flaggedShareThreshold)})`, name: called("minShare"), dashed: true },
      ],
    },
    {
      id: "effect",
      title: "Effect size",
      help: monitorMetrics.effectSize.help,
      unit: "",
      queries: [{ promql: `max by (signal) (${of(monitorMetrics.effectSize)})`, name: label("signal") }],
    },
    {
      id: "weight",
      title: "Weight of the candidate",
      help: operatorMetrics.rolloutWeight.help,
      unit: "%",
      queries: [{ promql: `max(${of(operatorMetrics.rolloutWeight)})`, name: called("weight") }],
    },
    {
      id: "requests",
      title: "Requests",
      help: gatewayMetrics.requests.help,
      unit: "/s",
      queries: [{ promql: `sum by (pool) (${rate(gatewayMetrics.requests)})`, name: label("pool") }],
    },
    {
      id: "latency",
      title: "p99 latency",
      help: gatewayMetrics.requestDuration.help,
      unit: "s",
      queries: [
        {
          promql: `histogram_quantile(0.99, sum by (pool, le) (${rate(gatewayMetrics.requestDuration, "_bucket")}))`,
          name: label("pool"),
        },
      ],
    },
  ];
}

interface Wanted {
  readonly namespace: string;
  readonly service: string;
  readonly minutes: number;
  readonly now: number;
}

function rangeOf({ minutes, now }: Wanted): { from: number; to: number; step: number } {
  const length = minutes * 60_000;
  const step = Math.max(2000, Math.round(length / 240 / 1000) * 1000);
  // Aligned, so that two looks at one range see the same points.
  const to = Math.floor(now / step) * step;
  return { from: to - length, to, step };
}

/** Of a service whose Prometheus is not asked. */
export function noCharts(wanted: Wanted, fault: string): Charts {
  return { ...rangeOf(wanted), charts: [], fault };
}

/** Asks a Prometheus for everything that is drawn of a service. */
export async function readCharts(prometheus: Prometheus, wanted: Wanted): Promise<Charts> {
  const { namespace, service } = wanted;
  const range = rangeOf(wanted);
  const { step } = range;
  const charts: Chart[] = [];
  for (const panel of panels(namespace, service, Math.max(60, (4 * step) / 1000))) {
    const answers = await Promise.all(panel.queries.map(({ promql }) => prometheus.queryRange(promql, range)));
    const fault = answers.find((answer) => answer.kind === "SourceError");
    if (fault) return { ...range, charts, fault: fault.message };
    charts.push(...chartsOf(panel, answers));
  }
  return { ...range, charts, fault: null };
}

function chartsOf({ queries, by, ...chart }: Panel, answers: readonly RangeAnswer[]): Chart[] {
  const lines = queries.flatMap(({ name, dashed = false }, index) => {
    const answer = answers[index];
    return (answer?.kind === "Matrix" ? answer.series : []).map(({ labels, points }) => ({
      group: by ? (labels[by] ?? "") : "",
      line: {
        name: name(labels),
        dashed,
        points: points.filter(({ value }) => Number.isFinite(value)).map(({ at, value }) => [at, value] as const),
      },
    }));
  });
  if (!by) return [{ ...chart, lines: lines.map(({ line }) => line) }];
  const groups = [...new Set(lines.map(({ group }) => group))].toSorted();
  return groups.map((group) => ({
    ...chart,
    id: `${chart.id}-${group}`,
    title: `${group}: ${chart.title}`,
    lines: lines.filter((each) => each.group === group).map(({ line }) => line),
  }));
}
