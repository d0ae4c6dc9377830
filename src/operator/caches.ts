import { embeddingServices, modelRollouts, modelVersions, retrainings, threatModels } from "../kinds.ts";
import {
  configMaps,
  deployments,
  Informer,
  type InformerOptions,
  jobs,
  type Kube,
  type KubeError,
  type KubeObject,
  leases,
  persistentVolumeClaims,
  podDisruptionBudgets,
  pods,
  type Resource,
  roleBindings,
  roles,
  type Stored,
  serviceAccounts,
  services,
} from "../kube/index.ts";
import { labels } from "./labels.ts";

export type CacheSettings = {
  /** All when absent. */
  readonly namespaces?: readonly string[] | undefined;
  readonly onFault?: (plural: string, error: KubeError) => void;
  readonly onUnparseable?: (plural: string, error: KubeError) => void;
};

export type Caches = ReturnType<typeof openCaches>;

/** Name of the index by the service that an object belongs to; its values are `namespace/service`. */
export const byService = "service";

/**
 * What the operator follows. Of the built-in kinds only what carries evenkeel's label, but for workloads and claims,
 * which are the user's (decision 39).
 */
export function openCaches(kube: Kube, { namespaces, onFault, onUnparseable }: CacheSettings) {
  function follow<T extends KubeObject>(resource: Resource<T>, options: Partial<InformerOptions<T>> = {}): Informer<T> {
    return new Informer({
      kube,
      resource,
      namespaces,
      onFault: (error) => onFault?.(resource.plural, error),
      onUnparseable: (_, error) => onUnparseable?.(resource.plural, error),
      ...options,
    });
  }
  const own = { labelSelector: labels.service, indexes: { [byService]: byLabel } };
  const ofService = { indexes: { [byService]: byReference } };
  return {
    embeddingServices: follow(embeddingServices),
    threatModels: follow(threatModels),
    retrainings: follow(retrainings, ofService),
    modelVersions: follow(modelVersions, ofService),
    modelRollouts: follow(modelRollouts, ofService),
    deployments: follow(deployments),
    claims: follow(persistentVolumeClaims),
    jobs: follow(jobs, own),
    pods: follow(pods, own),
    // Without audit segments and reports: they are large, and nothing is decided from them.
    configMaps: follow(configMaps, {
      ...own,
      labelSelector: `${labels.service},!${labels.audit},!${labels.report}`,
    }),
    services: follow(services, own),
    serviceAccounts: follow(serviceAccounts, own),
    roles: follow(roles, own),
    roleBindings: follow(roleBindings, own),
    leases: follow(leases, own),
    disruptionBudgets: follow(podDisruptionBudgets, own),
  };
}

/** Whether there may be runs or rollouts in the namespace that the caches do not show, as they cannot be read. */
export function hidesDecisions(
  { retrainings, modelRollouts }: Pick<Caches, "retrainings" | "modelRollouts">,
  namespace: string,
): boolean {
  return [...retrainings.unreadableKeys(), ...modelRollouts.unreadableKeys()].some(
    (key) => key.namespace === namespace,
  );
}

function byLabel({ metadata }: Stored<KubeObject>): string[] {
  const service = metadata.labels?.[labels.service];
  return service === undefined ? [] : [`${metadata.namespace}/${service}`];
}

function byReference({
  metadata,
  spec,
}: KubeObject & { readonly spec: { readonly serviceRef: { readonly name: string } } }): string[] {
  return [`${metadata.namespace}/${spec.serviceRef.name}`];
}
