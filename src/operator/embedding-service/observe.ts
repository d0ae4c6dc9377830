import { type EmbeddingService, gatewayConfigName, gatewayStateName, jsonOf, monitorState } from "../../api/index.ts";
import type { ConfigMap, Informer, KubeObject, Stored } from "../../kube/index.ts";
import { byService, type Caches } from "../caches.ts";
import { fieldOwnership } from "../field-owner.ts";
import { configOf, gatewayPods, gatewaysOf, readyGateways } from "../gateways.ts";
import type { Ownership } from "../ownership.ts";
import { troubleOf } from "../pod-state.ts";
import type { Turn } from "../ports.ts";
import { type Stalled, unreadable } from "../rule.ts";
import { type Workload, workloadOf } from "../workload.ts";
import { causesOf } from "./causes.ts";
import { evaluateSignals } from "./evaluate-signals.ts";
import { scheduleStates } from "./schedules.ts";
import { storeProblem } from "./store-problem.ts";
import type { Observed } from "./world.ts";

/**
 * All reads of a reconcile of a service.
 *
 * @param trail  why the audit trail could not be written, if so
 */
export async function observe(
  turn: Turn,
  service: Stored<EmbeddingService>,
  trail: Stalled | null,
  now: number,
): Promise<Observed> {
  const { caches, key, sources, signal } = turn;
  const { namespace, name } = key;
  const { spec, status } = service;
  const index = `${namespace}/${name}`;
  const deployment = caches.deployments.get({ namespace, name: spec.workloadRef.name });
  const workload = deployment ? workloadOf(deployment, spec.model) : null;
  const signalsSeen = async () => {
    const found = await sources.find(key, spec.monitoring.prometheus, signal);
    return {
      source: found.kind === "Refused" ? { reason: found.reason, message: found.message } : null,
      signals: await evaluateSignals(service, found.kind === "Source" ? found.prometheus : found, now),
    };
  };
  const [ownership, { source, signals }] = await Promise.all([ownershipOf(turn, service, workload), signalsSeen()]);
  const schedules = scheduleStates(service, now);
  const runs = byAge(caches.retrainings.by(byService, index));
  const rollouts = byAge(caches.modelRollouts.by(byService, index));
  const monitor = stateOf(caches.configMaps.get({ namespace, name: gatewayStateName(name) }));
  const snapshot = monitor?.snapshot ?? null;
  const threatModelRef = spec.retraining?.threatModelRef;
  return {
    service,
    trail,
    workload,
    ownership,
    signals,
    schedules,
    source,
    store: storesProblem(turn, service),
    threatModel: threatModelRef ? caches.threatModels.get({ namespace, name: threatModelRef.name }) : null,
    run: await named(turn, caches.retrainings, runs, status.retraining),
    rollout: await named(turn, caches.modelRollouts, rollouts, status.rollout),
    unreadable: unreadableOf(turn, service),
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

/**
 * What a status names; null when it is not made yet, or somebody deleted it. Each kind has a cache of its own, which may be
 * behind that of services, as after a change of the leader: whether it is gone, only the API server knows.
 */
async function named<T extends KubeObject>(
  { kube, key: { namespace }, signal }: Turn,
  cache: Pick<Informer<T>, "resource" | "unreadable">,
  cached: readonly Stored<T>[],
  slot: { readonly name: string; readonly uid: string } | undefined,
): Promise<Stored<T> | null> {
  if (!slot) return null;
  const found = cached.find(({ metadata }) => metadata.name === slot.name);
  const target = { namespace, name: slot.name };
  if (found || slot.uid === "" || cache.unreadable(target)) return found ?? null;
  return await kube.get(cache.resource, target, { signal });
}

async function ownershipOf(turn: Turn, service: EmbeddingService, workload: Workload | null): Promise<Ownership> {
  if (!workload || workload.field.kind === "NoContainer" || workload.field.kind === "Indirect") {
    return { kind: "Unknown", message: "the workload has no field that could be set" };
  }
  return await fieldOwnership(turn, service, workload);
}

function unreadableOf(
  { caches, key: { namespace } }: Turn,
  { spec, status }: EmbeddingService,
): Observed["unreadable"] {
  const of = (cache: Pick<Caches["retrainings"], "unreadable">, name: string | undefined) =>
    name === undefined ? null : unreadable(cache.unreadable({ namespace, name }));
  return {
    run: of(caches.retrainings, status.retraining?.name),
    rollout: of(caches.modelRollouts, status.rollout?.name),
    threatModel: of(caches.threatModels, spec.retraining?.threatModelRef.name),
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
