import { type EmbeddingService, gatewayConfigName, gatewayStateName, jsonOf, monitorState } from "../../api/index.ts";
import { type ConfigMap, type Stored } from "../../kube/index.ts";
import { byService } from "../caches.ts";
import { fieldOwnership } from "../field-owner.ts";
import { configOf, gatewayPods, gatewaysOf, readyGateways } from "../gateways.ts";
import type { Ownership } from "../ownership.ts";
import { troubleOf } from "../pod-state.ts";
import type { Turn } from "../ports.ts";
import { workloadOf } from "../workload.ts";
import { causesOf } from "./causes.ts";
import { evaluateSignals } from "./evaluate-signals.ts";
import { scheduleStates } from "./schedules.ts";
import { storeProblem } from "./store-problem.ts";
import type { Observed } from "./world.ts";

/** All reads of a reconcile of a service; null when there is none. */
export async function observe(turn: Turn, service: Stored<EmbeddingService>, now: number): Promise<Observed> {
  const { caches, key, sources, signal } = turn;
  const { namespace, name } = key;
  const { spec, status } = service;
  const index = `${namespace}/${name}`;
  const deployment = caches.deployments.get({ namespace, name: spec.workloadRef.name });
  const workload = deployment ? workloadOf(deployment, spec.model) : null;
  const ownership: Ownership =
    workload && workload.field.kind !== "NoContainer" && workload.field.kind !== "Indirect"
      ? await fieldOwnership(turn, service, workload)
      : { kind: "Unknown", message: "the workload has no field that could be set" };
  const found = await sources.find(key, spec.monitoring.prometheus, signal);
  const source = found.kind === "Refused" ? { reason: found.reason, message: found.message } : null;
  const signals = await evaluateSignals(service, found.kind === "Source" ? found.prometheus : found, now);
  const schedules = scheduleStates(service, now);
  const runs = byAge(caches.retrainings.by(byService, index));
  const rollouts = byAge(caches.modelRollouts.by(byService, index));
  const monitor = stateOf(caches.configMaps.get({ namespace, name: gatewayStateName(name) }));
  const snapshot = monitor?.snapshot ?? null;
  const threatModelRef = spec.retraining?.threatModelRef;
  return {
    service,
    workload,
    ownership,
    signals,
    schedules,
    source,
    store: storesProblem(turn, service),
    threatModel: threatModelRef ? caches.threatModels.get({ namespace, name: threatModelRef.name }) : null,
    run: runs.find(({ metadata }) => metadata.name === status.retraining?.name) ?? null,
    rollout: rollouts.find(({ metadata }) => metadata.name === status.rollout?.name) ?? null,
    waitingRuns: runs.filter(
      ({ metadata, status: { phase } }) =>
        phase === "Pending" && metadata.name !== status.retraining?.name && !metadata.deletionTimestamp,
    ),
    waitingRollouts: rollouts.filter(
      ({ metadata, status: { phase } }) =>
        phase === "Pending" && metadata.name !== status.rollout?.name && !metadata.deletionTimestamp,
    ),
    runs,
    rollouts,
    versions: caches.modelVersions.by(byService, index),
    snapshot,
    autocorrelation: monitor?.autocorrelation ?? null,
    config: configOf(caches.configMaps.get({ namespace, name: gatewayConfigName(name) })),
    gateway: { ready: readyGateways(turn).length, wanted: spec.gateway.replicas, trouble: gatewayTrouble(turn) },
    gateways: gatewaysOf(turn),
    causes: causesOf(service, signals, schedules, snapshot, now),
  };
}

/** What is wrong with the store, or with that of captured traffic. */
function storesProblem({ caches, key: { namespace } }: Turn, { spec: { store, dataset } }: Stored<EmbeddingService>) {
  const stores = [store, ...(dataset.traffic.store ? [dataset.traffic.store] : [])];
  const problems = stores.flatMap(
    (one) => storeProblem(caches.claims.get({ namespace, name: one.claimName }), one) ?? [],
  );
  return problems[0] ?? null;
}

function gatewayTrouble(turn: Turn): string | null {
  return gatewayPods(turn, turn.key.name).flatMap((pod) => troubleOf(pod) ?? [])[0] ?? null;
}

function stateOf(configMap: Stored<ConfigMap> | null) {
  return monitorState.safeParse(jsonOf(configMap?.data?.["state.json"])).data ?? null;
}

function byAge<Item extends { readonly metadata: { readonly creationTimestamp?: string; readonly name: string } }>(
  items: readonly Item[],
): Item[] {
  const age = ({ metadata: { creationTimestamp = "", name } }: Item): string => `${creationTimestamp} ${name}`;
  return items.toSorted((a, b) => (age(a) < age(b) ? -1 : 1));
}
