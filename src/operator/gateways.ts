import { gatewayConfig, gatewayReport, gatewayReportsName, jsonOf } from "../api/index.ts";
import type { ConfigMap, Stored } from "../kube/index.ts";
import { byService } from "./caches.ts";
import type { Gateway } from "./documents.ts";
import { labels } from "./labels.ts";
import { isReady } from "./pod-state.ts";
import type { Turn } from "./ports.ts";

/** The pods of a service's gateway. */
export function gatewayPods({ caches, key }: Turn, service: string) {
  return caches.pods
    .by(byService, `${key.namespace}/${service}`)
    .filter(({ metadata }) => metadata.labels?.[labels.gateway] === service);
}

/** Names of the gateway pods that are ready. */
export function readyGateways(turn: Turn, service = turn.key.name): string[] {
  return gatewayPods(turn, service)
    .filter(isReady)
    .map(({ metadata }) => metadata.name);
}

/** Gateway pods that exist, and those that have left a report. */
export function gatewaysOf(turn: Turn, service = turn.key.name): Gateway[] {
  const { caches, key } = turn;
  const pods = new Set(gatewayPods(turn, service).map(({ metadata }) => metadata.name));
  const reports = caches.configMaps.get({ namespace: key.namespace, name: gatewayReportsName(service) })?.data ?? {};
  return [...new Set([...pods, ...Object.keys(reports)])].toSorted().map((name) => ({
    name,
    exists: pods.has(name),
    report: gatewayReport.safeParse(jsonOf(reports[name])).data ?? null,
  }));
}

/** What a service's gateways are told; null when they were never told. */
export function configOf(configMap: Stored<ConfigMap> | null) {
  return gatewayConfig.safeParse(jsonOf(configMap?.data?.["gateway.json"])).data ?? null;
}
