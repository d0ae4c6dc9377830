import type { Catalogue } from "./catalogue.ts";

/** A target of a panel: a query and the legend of its series. */
export type Target = { readonly refId: string; readonly expr: string; readonly legendFormat: string };
export type Panel = {
  readonly id: number;
  readonly type: "timeseries" | "stat" | "state-timeline" | "row";
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly type: "prometheus"; readonly uid: string };
  readonly fieldConfig?: {
    readonly defaults: Readonly<Record<string, unknown>>;
    readonly overrides: readonly unknown[];
  };
  readonly targets?: readonly Target[];
};
export type Dashboard = {
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly schemaVersion: number;
  readonly refresh: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly templating: { readonly list: readonly Readonly<Record<string, unknown>>[] };
  readonly panels: readonly Panel[];
};

type Chart = {
  readonly title: string;
  readonly help: string;
  readonly unit?: "short" | "percentunit" | "s" | "reqps";
  readonly type?: "timeseries" | "state-timeline";
  readonly queries: readonly (readonly [expr: string, legend: string])[];
};
type Row = { readonly title: string; readonly charts: readonly Chart[] };

const of = 'namespace="$namespace",service="$service"';
const rate = "$__rate_interval";

/** The Grafana dashboard that ships with the chart: one service, from its signals to its rollouts. */
export function grafanaDashboard(catalogue: Catalogue): Dashboard {
  const rows = [signals(catalogue), traffic(catalogue), statistics(catalogue), candidate(catalogue), loop(catalogue)];
  return {
    uid: "evenkeel-service",
    title: "evenkeel / service",
    tags: ["evenkeel"],
    schemaVersion: 39,
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    templating: {
      list: [
        { name: "datasource", label: "Prometheus", type: "datasource", query: "prometheus" },
        variable("namespace", `label_values(${catalogue.gateway.requests.name}, namespace)`),
        variable("service", `label_values(${catalogue.gateway.requests.name}{namespace="$namespace"}, service)`),
      ],
    },
    panels: layOut(rows),
  };
}

function signals({ monitor }: Catalogue): Row {
  return {
    title: "Signals",
    charts: [
      {
        title: "Alarms",
        help: monitor.alarm.help,
        type: "state-timeline",
        queries: [[`max by (signal) (${monitor.alarm.name}{${of}})`, "{{signal}}"]],
      },
      {
        title: "Evidence of drift, log10",
        help: `${monitor.log10Evalue.help} ${monitor.log10Threshold.help}`,
        queries: [
          [`max by (signal) (${monitor.log10Evalue.name}{${of}})`, "{{signal}}"],
          [`max by (signal) (${monitor.log10Threshold.name}{${of}})`, "{{signal}} threshold"],
        ],
      },
      {
        title: "Size of the shift",
        help: monitor.effectSize.help,
        queries: [[`max by (signal) (${monitor.effectSize.name}{${of}})`, "{{signal}}"]],
      },
      {
        title: "Flagged share",
        help: monitor.flaggedShareLowerBound.help,
        unit: "percentunit",
        queries: [
          [
            `sum(rate(${monitor.consistencyFlagged.name}{${of}}[${rate}])) / sum(rate(${monitor.consistencyScored.name}{${of}}[${rate}]))`,
            "share",
          ],
          [`max(${monitor.flaggedShareLowerBound.name}{${of}})`, "lower bound"],
          [`max(${monitor.flaggedShareThreshold.name}{${of}})`, "minShare"],
        ],
      },
    ],
  };
}

function traffic({ gateway }: Catalogue): Row {
  return {
    title: "Traffic",
    charts: [
      {
        title: "Requests",
        help: gateway.requests.help,
        unit: "reqps",
        queries: [[`sum by (pool, model) (rate(${gateway.requests.name}{${of}}[${rate}]))`, "{{pool}} {{model}}"]],
      },
      {
        title: "Errors",
        help: "Share of requests that were answered with a status from 500 to 599.",
        unit: "percentunit",
        queries: [
          [
            `sum by (pool) (rate(${gateway.requests.name}{${of},code=~"5.."}[${rate}])) / sum by (pool) (rate(${gateway.requests.name}{${of}}[${rate}]))`,
            "{{pool}}",
          ],
        ],
      },
      {
        title: "Duration, 99th percentile",
        help: gateway.requestDuration.help,
        unit: "s",
        queries: [
          [
            `histogram_quantile(0.99, sum by (pool, le) (rate(${gateway.requestDuration.name}_bucket{${of}}[${rate}])))`,
            "{{pool}}",
          ],
        ],
      },
      {
        title: "Pods",
        help: `${gateway.readyPods.help} ${gateway.probeMatchedPods.help}`,
        queries: [
          [`max by (pool, model) (${gateway.readyPods.name}{${of}})`, "{{pool}} {{model}} ready"],
          [`max by (pool, model) (${gateway.probeMatchedPods.name}{${of}})`, "{{pool}} {{model}} matched"],
        ],
      },
    ],
  };
}

function statistics({ monitor, gateway }: Catalogue): Row {
  return {
    title: "Statistics",
    charts: [
      {
        title: "Blocks",
        help: monitor.blocks.help,
        queries: [[`sum by (result) (increase(${monitor.blocks.name}{${of}}[${rate}]))`, "{{result}}"]],
      },
      {
        title: "Vectors",
        help: monitor.vectors.help,
        unit: "reqps",
        queries: [[`sum by (result) (rate(${monitor.vectors.name}{${of}}[${rate}]))`, "{{result}}"]],
      },
      {
        title: "Protected requests",
        help: gateway.protectedRequests.help,
        unit: "reqps",
        queries: [[`sum by (action) (rate(${gateway.protectedRequests.name}{${of}}[${rate}]))`, "{{action}}"]],
      },
    ],
  };
}

function candidate({ gateway }: Catalogue): Row {
  return {
    title: "Candidate",
    charts: [
      {
        title: "Cosine of mirrored answers",
        help: gateway.mirrorCosine.help,
        queries: [
          [
            `sum by (model) (rate(${gateway.mirrorCosine.name}_sum{${of}}[${rate}])) / sum by (model) (rate(${gateway.mirrorCosine.name}_count{${of}}[${rate}]))`,
            "{{model}}",
          ],
        ],
      },
      {
        title: "Mirrored requests",
        help: gateway.mirroredRequests.help,
        unit: "reqps",
        queries: [[`sum by (result) (rate(${gateway.mirroredRequests.name}{${of}}[${rate}]))`, "{{result}}"]],
      },
      {
        title: "Requests that the candidate refuses",
        help: gateway.refusedRequests.help,
        unit: "reqps",
        queries: [[`sum by (result) (rate(${gateway.refusedRequests.name}{${of}}[${rate}]))`, "{{result}}"]],
      },
    ],
  };
}

function loop({ operator }: Catalogue): Row {
  return {
    title: "Retraining and rollout",
    charts: [
      {
        title: "Phase",
        help: operator.phase.help,
        type: "state-timeline",
        queries: [[`max by (phase) (${operator.phase.name}{${of}})`, "{{phase}}"]],
      },
      {
        title: "Triggers that fail",
        help: operator.verdicts.help,
        type: "state-timeline",
        queries: [[`max by (trigger) (${operator.verdicts.name}{${of},verdict="Fail"})`, "{{trigger}}"]],
      },
      {
        title: "Weight of the candidate",
        help: operator.rolloutWeight.help,
        queries: [[`max(${operator.rolloutWeight.name}{${of}})`, "percent"]],
      },
      {
        title: "Runs that ended, by day",
        help: operator.retrainings.help,
        queries: [[`sum by (class, phase) (increase(${operator.retrainings.name}{${of}}[1d]))`, "{{class}} {{phase}}"]],
      },
    ],
  };
}

function variable(name: string, query: string): Readonly<Record<string, unknown>> {
  return {
    name,
    type: "query",
    datasource: { type: "prometheus", uid: "${datasource}" },
    query,
    refresh: 2,
    sort: 1,
  };
}

/** Four charts side by side under each heading, on Grafana's grid of 24 columns. */
function layOut(rows: readonly Row[]): Panel[] {
  const height = 8;
  return rows.flatMap(({ title, charts }, index): Panel[] => {
    const y = index * (height + 1);
    const id = index * 10 + 1;
    return [
      { id, type: "row", title, gridPos: { x: 0, y, w: 24, h: 1 } },
      ...charts.map((chart, i) => panel(chart, id + 1 + i, { x: i * 6, y: y + 1, w: 6, h: height })),
    ];
  });
}

function panel({ title, help, unit, type, queries }: Chart, id: number, gridPos: Panel["gridPos"]): Panel {
  return {
    id,
    type: type ?? "timeseries",
    title,
    description: help,
    gridPos,
    datasource: { type: "prometheus", uid: "${datasource}" },
    fieldConfig: { defaults: { unit: unit ?? "short", min: unit === undefined ? undefined : 0 }, overrides: [] },
    targets: queries.map(([expr, legendFormat], i) => ({ refId: String.fromCharCode(65 + i), expr, legendFormat })),
  };
}
