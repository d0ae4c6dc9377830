import { type EmbeddingService, gatewayConfigName, type ModelRollout } from "../../api/index.ts";
import {
  type Deployment,
  horizontalPodAutoscalers,
  isControlledBy,
  isKubeError,
  podDisruptionBudgets,
  type Stored,
  services,
} from "../../kube/index.ts";
import { auditNotWritten } from "../audit-trail.ts";
import { countDocuments, type Gateway } from "../documents.ts";
import { fieldOwnership } from "../field-owner.ts";
import { configOf, gatewaysOf, readyGateways } from "../gateways.ts";
import { names } from "../identity.ts";
import { time } from "../instant.ts";
import { labels } from "../labels.ts";
import type { Turn } from "../ports.ts";
import { type Stalled, unreadable } from "../rule.ts";
import { unread } from "../unread.ts";
import { type Workload, workloadOf } from "../workload.ts";
import { analyse } from "./checks.ts";
import { catchersOf, poolPodLabels, type Selecting } from "./resources.ts";
import type { Observed, Pool, Routing } from "./world.ts";

/** All reads of a reconcile of a rollout. */
export async function observe(turn: Turn, rollout: Stored<ModelRollout>, now: number): Promise<Observed> {
  const { caches, key, sources, signal } = turn;
  const { namespace } = key;
  const serviceKey = { namespace, name: rollout.spec.serviceRef.name };
  const withheld = unreadable(caches.embeddingServices.unreadable(serviceKey));
  const found = withheld ? null : caches.embeddingServices.get(serviceKey);
  const service = found?.metadata.deletionTimestamp === undefined ? found : null;
  const deployment = service ? caches.deployments.get({ namespace, name: service.spec.workloadRef.name }) : null;
  const workload = service && deployment ? workloadOf(deployment, service.spec.model) : null;
  const ended = rollout.status.phase === "Promoted" || rollout.status.phase === "RolledBack";
  const ownership = service && workload && !ended ? await fieldOwnership(turn, service, workload) : null;
  const source =
    service && !ended ? await sources.find(service.metadata, service.spec.monitoring.prometheus, signal) : null;
  const gateways = service ? gatewaysOf(turn, service.metadata.name) : [];
  const candidate = poolOf(turn, rollout, workload, rollout.spec.to.digest);
  const previous = poolOf(turn, rollout, workload, rollout.spec.from.digest);
  return {
    rollout,
    service,
    unreadable: withheld,
    trail: service ? trailOf(service) : null,
    workload,
    owners: ownership?.kind === "OwnedBy" ? ownership.managers : [],
    candidate: candidate.pool,
    previous: previous.pool,
    obstacle:
      ended || rollout.status.phase === "RollingBack"
        ? null
        : await obstacleOf(turn, rollout, workload, [candidate, previous]),
    refused: null,
    routing: service ? routingOf(turn, service, gateways) : null,
    documents: service ? countDocuments(service.status, gateways, now).documents : [],
    analysis: source ? await analyse(rollout, source.kind === "Source" ? source.prometheus : source, now) : null,
  };
}

function trailOf({ status }: EmbeddingService): Observed["trail"] {
  const said = status.conditions.find(({ status: holds, reason }) => holds === "True" && reason === auditNotWritten);
  return said ? { reason: said.reason, message: said.message, since: time(said.lastTransitionTime) } : null;
}

type Found = { readonly pool: Pool | null; readonly stranger: Stored<Deployment> | null };

function poolOf(
  { caches, key }: Turn,
  rollout: Stored<ModelRollout>,
  workload: Workload | null,
  digest: string,
): Found {
  if (!workload) return { pool: null, stranger: null };
  const name = names.pool(workload.deployment.metadata.name, digest);
  const deployment = caches.deployments.get({ namespace: key.namespace, name });
  if (!deployment) return { pool: null, stranger: null };
  if (!isControlledBy(deployment, rollout)) return { pool: null, stranger: deployment };
  const { metadata, spec, status } = deployment;
  // Pods of an older template do not count.
  const current = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const ready = current ? Math.min(status?.readyReplicas ?? 0, status?.updatedReplicas ?? 0) : 0;
  const { uid, resourceVersion } = metadata;
  return { pool: { name, uid, resourceVersion, replicas: spec?.replicas ?? 1, readyReplicas: ready }, stranger: null };
}

/**
 * As long as there are, or are to be, pods of the candidate beside the workload's: nobody may take them for the workload's
 * (decision 30). A Service that is made meanwhile would send its clients past the gateways.
 */
async function obstacleOf(
  { kube, key, signal }: Turn,
  rollout: Stored<ModelRollout>,
  workload: Workload | null,
  pools: readonly Found[],
): Promise<Stalled | null> {
  const stranger = pools.flatMap((found) => found.stranger ?? [])[0];
  if (stranger) {
    const message = `Deployment ${stranger.metadata.name} exists and is not of ModelRollout ${key.name}`;
    return { reason: "NameTaken", message };
  }
  if (!workload || !["Pending", "Progressing", "Paused"].includes(rollout.status.phase)) return null;
  const { namespace } = key;
  const podLabels = poolPodLabels(workload, rollout.spec.serviceRef.name, rollout.spec.to.digest);
  const lists = await Promise.all([
    kube.list(services, { namespace, signal }),
    kube.list(podDisruptionBudgets, { namespace, signal }),
    kube.list(horizontalPodAutoscalers, { namespace, signal }),
  ]).catch(unread);
  if (isKubeError(lists)) return { reason: "NeighboursUnread", message: lists.message };
  const [serviceList, budgetList, scalerList] = lists;
  const theirs = (object: { metadata: { labels?: Record<string, string> } }): boolean =>
    object.metadata.labels?.[labels.managedBy] !== "evenkeel";
  const { metadata } = workload.deployment;
  const selecting: readonly Selecting[] = [
    { kind: "Deployment", metadata, selector: workload.selector },
    ...serviceList.items.filter(theirs).map(({ metadata, spec }): Selecting => {
      return { kind: "Service", metadata, selector: spec?.selector ? { matchLabels: spec.selector } : null };
    }),
    ...budgetList.items.filter(theirs).map(({ metadata, spec }): Selecting => {
      return { kind: "PodDisruptionBudget", metadata, selector: spec?.selector ?? null };
    }),
  ];
  const name = names.pool(metadata.name, rollout.spec.to.digest);
  const scalers = scalerList.items.filter(({ spec }) => spec?.scaleTargetRef.name === name);
  const caught = [
    ...catchersOf(podLabels, selecting),
    ...scalers.map(({ metadata }) => `HorizontalPodAutoscaler ${metadata.name}`),
  ];
  if (caught.length === 0) return null;
  return {
    reason: "CanaryCaughtBy",
    message: `${caught.join(", ")} would take the candidate's pods for the workload's`,
  };
}

/** Whether every gateway that is ready has said that it has the routing (decision 32). */
function routingOf(turn: Turn, service: EmbeddingService, gateways: readonly Gateway[]): Routing | null {
  const { caches, key } = turn;
  const { namespace } = key;
  const { name } = service.metadata;
  const config = configOf(caches.configMaps.get({ namespace, name: gatewayConfigName(name) }));
  if (!config) return null;
  const inForce = new Map(gateways.map((gateway) => [gateway.name, gateway.report?.generation ?? -1]));
  const ready = readyGateways(turn, name);
  const { candidate, stable } = config.routing;
  return {
    generation: config.generation,
    stable: stable.digest,
    candidate: candidate ? { digest: candidate.digest, weight: candidate.weight, mirror: candidate.mirror } : null,
    inForce: ready.length > 0 && ready.every((pod) => (inForce.get(pod) ?? -1) >= config.generation),
  };
}
