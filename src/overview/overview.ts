import type { EmbeddingService, ModelRollout, ModelVersion, Retraining } from "../api/index.ts";
import { embeddingServices, modelRollouts, modelVersions, retrainings } from "../kinds.ts";
import type { Kube } from "../kube/index.ts";

/** Objects of the kinds that belong to services. */
export interface Objects {
  readonly services: readonly EmbeddingService[];
  readonly retrainings: readonly Retraining[];
  readonly versions: readonly ModelVersion[];
  readonly rollouts: readonly ModelRollout[];
}

/** A service with all that belongs to it, newest first. */
export interface Overview {
  readonly service: EmbeddingService;
  readonly retrainings: readonly Retraining[];
  readonly versions: readonly ModelVersion[];
  readonly rollouts: readonly ModelRollout[];
}

/** @param namespace  all when absent */
export async function readObjects(kube: Kube, namespace?: string): Promise<Objects> {
  const [services, runs, versions, rollouts] = await Promise.all([
    kube.list(embeddingServices, { namespace }),
    kube.list(retrainings, { namespace }),
    kube.list(modelVersions, { namespace }),
    kube.list(modelRollouts, { namespace }),
  ]);
  return { services: services.items, retrainings: runs.items, versions: versions.items, rollouts: rollouts.items };
}

/** Services by namespace and name, each with what belongs to it. */
export function overview(objects: Objects): Overview[] {
  const services = objects.services.toSorted((a, b) => order(a).localeCompare(order(b)));
  return services.map((service) => ({
    service,
    retrainings: belonging(objects.retrainings, service),
    versions: belonging(objects.versions, service),
    rollouts: belonging(objects.rollouts, service),
  }));
}

function belonging<T extends Retraining | ModelVersion | ModelRollout>(
  all: readonly T[],
  { metadata }: EmbeddingService,
): T[] {
  return all
    .filter((object) => object.metadata.namespace === metadata.namespace)
    .filter((object) => object.spec.serviceRef.name === metadata.name)
    .toSorted((a, b) => madeAt(b) - madeAt(a));
}

const order = ({ metadata }: EmbeddingService) => `${metadata.namespace}/${metadata.name}`;
const madeAt = ({ metadata }: Retraining | ModelVersion | ModelRollout) => Date.parse(metadata.creationTimestamp ?? "");
