import type { EmbeddingServiceSpec } from "../../api/index.ts";
import { names } from "../identity.ts";
import { type LabelSelector, selectorText, selects, withoutSelected } from "../label-selector.ts";
import { labels } from "../labels.ts";
import type { Deployment } from "../objects.ts";
import { poolSelector } from "../pool.ts";
import type { Workload } from "../workload.ts";
import { currentStep, replicasFor, watchEnds } from "./step.ts";
import type { Observed } from "./world.ts";

/** Labels of a pool's pods: the workload's, less those that it selects by. */
export function poolPodLabels(workload: Workload, service: string, digest: string): Record<string, string> {
  const template = workload.deployment.spec?.template.metadata?.labels ?? {};
  return { ...withoutSelected(template, workload.selector), ...poolSelector(service, digest) };
}

/** A Deployment of one digest beside the workload, its template copied. */
export function poolDeployment(
  workload: Workload,
  service: { readonly name: string; readonly namespace: string; readonly model: EmbeddingServiceSpec["model"] },
  model: { readonly digest: string; readonly uri: string },
  replicas: number,
): {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: NonNullable<Deployment["spec"]>;
} {
  const { spec } = workload.deployment;
  if (!spec) throw new TypeError(`Deployment ${workload.deployment.metadata.name} has no spec`);
  const podLabels = poolPodLabels(workload, service.name, model.digest);
  const pod = spec.template.spec;
  const withModel = <Container extends { name: string; env?: { name: string; value?: string }[] }>(
    containers: readonly Container[],
  ): Container[] =>
    containers.map((container) =>
      container.name === service.model.container
        ? { ...container, env: withValue(container.env ?? [], service.model.env, model.uri) }
        : container,
    );
  return {
    metadata: {
      name: names.pool(workload.deployment.metadata.name, model.digest),
      namespace: service.namespace,
      labels: { ...poolSelector(service.name, model.digest), [labels.managedBy]: "evenkeel" },
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector: { matchLabels: poolSelector(service.name, model.digest) },
      template: {
        metadata: {
          ...(spec.template.metadata?.annotations ? { annotations: spec.template.metadata.annotations } : {}),
          labels: podLabels,
        },
        ...(pod
          ? {
              spec: {
                ...pod,
                containers: withModel(pod.containers),
                ...(pod.initContainers ? { initContainers: withModel(pod.initContainers) } : {}),
              },
            }
          : {}),
      },
    },
  };
}

function withValue<Entry extends { name: string; value?: string }>(env: readonly Entry[], name: string, value: string) {
  return env.some((entry) => entry.name === name)
    ? env.map((entry) => (entry.name === name ? { ...entry, value } : entry))
    : [...env, { name, value }];
}

/** How many pods of each digest there should be beside the workload; null: none, and what is there may go. */
export type PoolsWanted = { readonly candidate: number | null; readonly previous: number | null };

/** By the status that is saved: see `decide`. */
export function poolsWanted({ rollout, routing, candidate, previous }: Observed, now: number): PoolsWanted {
  const { phase, stableReplicas } = rollout.status;
  const keep = rollout.spec.policy.keepPrevious !== "0s";
  switch (phase) {
    case "Pending":
      return { candidate: null, previous: null };
    case "Progressing":
    case "Paused":
      return { candidate: replicasFor(currentStep(rollout), stableReplicas), previous: null };
    case "Promoting":
      return { candidate: Math.max(1, stableReplicas), previous: keep ? Math.max(1, stableReplicas) : null };
    case "Watching": {
      const left = routing?.candidate == null && routing?.stable === rollout.spec.to.digest && routing.inForce;
      return {
        candidate: left ? null : (candidate?.replicas ?? null),
        previous: keep && now < watchEnds(rollout).keeping ? Math.max(1, stableReplicas) : null,
      };
    }
    case "RollingBack":
      return {
        candidate: told(routing, rollout.spec.to.digest, candidate?.replicas),
        previous: previous?.replicas ?? null,
      };
    case "Promoted":
      return { candidate: null, previous: told(routing, rollout.spec.from.digest, previous?.replicas) };
    case "RolledBack":
      return {
        candidate: told(routing, rollout.spec.to.digest, candidate?.replicas),
        previous: told(routing, rollout.spec.from.digest, previous?.replicas),
      };
    default:
      return phase satisfies never;
  }
}

/** Pods that gateways are still sent to stay; only the pool that is called candidate can be meant. */
function told(routing: Observed["routing"], digest: string, replicas: number | undefined): number | null {
  return routing?.candidate?.digest === digest ? (replicas ?? null) : null;
}

/** What selects pods. */
export type Selecting = {
  readonly kind: "Deployment" | "Service" | "PodDisruptionBudget";
  readonly metadata: { readonly name: string };
  /** null selects nothing. */
  readonly selector: LabelSelector | null;
};

/**
 * Those that would take a pool's pods for the workload's (decision 30), each with what it selects by. The workload itself
 * is one where its selector only rules labels out: without its labels a pod fits it all the better, and its autoscaler
 * would count the candidate's pods.
 */
export function catchersOf(
  podLabels: Readonly<Record<string, string>>,
  selecting: readonly Selecting[],
): readonly string[] {
  return selecting.flatMap(({ kind, metadata, selector }) =>
    selector && selects(selector, podLabels)
      ? [`${kind} ${metadata.name} (${selectorText(selector) || "all pods"})`]
      : [],
  );
}
