import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fetch } from "undici";
import { z } from "zod";
import { ensureServers } from "../../tools/servers.ts";
import { type Child, lastWords, startChild } from "./child.ts";
import { freePorts } from "./ports.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { waitFor } from "./wait.ts";

export interface PrometheusOptions {
  /** Jobs of the `scrape_configs` section, as Prometheus's own configuration names their fields. */
  readonly scrapeConfigs: readonly Readonly<Record<string, unknown>>[];
  /** Alert and recording rule files. */
  readonly ruleFiles?: readonly string[];
  /** Default `1s`. */
  readonly scrapeInterval?: string;
}

export interface Prometheus {
  readonly url: string;
  readonly pid: number;
  readonly configFile: string;
  /** Replaces the scrape jobs while it runs. */
  readonly reload: (scrapeConfigs: PrometheusOptions["scrapeConfigs"]) => Promise<void>;
  /** Result of an instant query, as the HTTP API gives it. */
  readonly query: (promql: string) => Promise<readonly QueryResult[]>;
  readonly stop: () => Promise<void>;
}

const queryResult = z.object({
  metric: z.record(z.string(), z.string()),
  /** Time in seconds, value as text. */
  value: z.tuple([z.number(), z.string()]),
});
const queryAnswer = z.object({ data: z.object({ result: z.array(queryResult) }) });

export type QueryResult = z.infer<typeof queryResult>;

/**
 * The scrape job that finds pods by the annotations `prometheus.io/scrape`, `…/port` and `…/path`.
 *
 * @param kubeconfig  path of the kubeconfig with which Prometheus watches pods
 */
export function annotatedPods(kubeconfig: string): Readonly<Record<string, unknown>> {
  const annotation = (name: string) => `__meta_kubernetes_pod_annotation_prometheus_io_${name}`;
  return {
    job_name: "pods",
    // The operator's metrics name the namespace of the service that they are about, not of its own pod.
    honor_labels: true,
    kubernetes_sd_configs: [{ role: "pod", kubeconfig_file: kubeconfig }],
    relabel_configs: [
      { source_labels: [annotation("scrape")], action: "keep", regex: "true" },
      // Several ports of a pod make several targets; the annotated port makes them one and the same.
      {
        source_labels: ["__meta_kubernetes_pod_ip", annotation("port")],
        separator: ":",
        target_label: "__address__",
      },
      { source_labels: [annotation("path")], regex: "(.+)", target_label: "__metrics_path__" },
      { source_labels: ["__meta_kubernetes_pod_phase"], action: "drop", regex: "Pending|Succeeded|Failed|Unknown" },
      { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
      { source_labels: ["__meta_kubernetes_pod_name"], target_label: "pod" },
    ],
  };
}

/**
 * Starts a real Prometheus on loopback.
 *
 * @throws with the end of its log when it is not ready within 30 s
 */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { prometheus } = await ensureServers();
  const dir = await temporaryFolder("prometheus");
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const configFile = join(dir, "prometheus.yml");
  await writeFile(configFile, configuration(options));
  const child = startChild({
    name: "prometheus",
    command: prometheus,
    args: [
      `--config.file=${configFile}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--storage.tsdb.path=${join(dir, "data")}`,
      "--web.enable-lifecycle",
      "--log.level=warn",
    ],
    log: join(dir, "prometheus.log"),
  });
  const stop = async () => {
    await child.stop();
    await rm(dir, { recursive: true, force: true });
  };
  await waitFor("Prometheus", async () => (await fetch(`${url}/-/ready`)).ok).catch((error) =>
    giveUp(child, stop, error),
  );
  return {
    url,
    pid: child.pid,
    configFile,
    stop,
    reload: async (scrapeConfigs) => {
      await writeFile(configFile, configuration({ ...options, scrapeConfigs }));
      const response = await fetch(`${url}/-/reload`, { method: "POST" });
      if (!response.ok) throw new Error(`Prometheus refuses the configuration: ${await response.text()}`);
    },
    query: async (promql) => {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(promql)}`);
      if (!response.ok) throw new Error(`${promql}: ${response.status} ${await response.text()}`);
      return queryAnswer.parse(await response.json()).data.result;
    },
  };
}

function configuration({ scrapeConfigs, ruleFiles = [], scrapeInterval = "1s" }: PrometheusOptions): string {
  return JSON.stringify({
    global: { scrape_interval: scrapeInterval, scrape_timeout: scrapeInterval, evaluation_interval: scrapeInterval },
    rule_files: ruleFiles,
    scrape_configs: scrapeConfigs,
  });
}

async function giveUp(child: Child, stop: () => Promise<void>, cause: unknown): Promise<never> {
  const words = await lastWords(child);
  await stop();
  throw new Error(`Prometheus did not start: ${words}`, { cause });
}
