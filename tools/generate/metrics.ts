import type { Catalogue, MetricDefinition } from "../../src/metrics/index.ts";

/** What each part is about, and who exports it. */
const about: Readonly<Record<keyof Catalogue, string>> = {
  monitor:
    "Statistics of a service's vectors, exported by its gateways at `:9090/metrics`. Metrics with the label `signal` and the time of the last block come from the gateway that leads alone.",
  gateway: "Exported by each gateway pod at `:9090/metrics`.",
  operator: "Exported by each operator pod at `:8081/metrics`.",
};

/** The page of metrics: each with its type, labels and meaning. */
export function metricsReference(catalogue: Catalogue): string {
  const parts = (["gateway", "monitor", "operator"] as const).flatMap((part) => [
    `## ${part}`,
    about[part],
    [
      "| metric | type | labels | meaning |",
      "| --- | --- | --- | --- |",
      ...Object.values(catalogue[part]).map(row),
    ].join("\n"),
  ]);
  return `${["# Metrics", intro, ...parts].join("\n\n")}\n`;
}

const intro =
  "Written by `npm run generate` from the catalogue in `src/metrics`. Metrics of one service carry that service's namespace: scrape with `honor_labels: true`. A training pod exports none: its progress is in its log.";

function row({ name, type, labels, help }: MetricDefinition): string {
  const named = labels.map((label) => `\`${label}\``).join(", ");
  return `| \`${name}\` | ${type} | ${named} | ${help.replaceAll("|", "\\|")} |`;
}
