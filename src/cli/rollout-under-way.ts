import type { EmbeddingService, ModelRollout } from "../api/index.ts";
import { embeddingServices, modelRollouts } from "../kinds.ts";
import type { Stored } from "../kube/index.ts";
import type { Cluster } from "./cluster-options.ts";
import { CommandError } from "./command-error.ts";

/** A service by name. */
export async function findService({ kube, namespace }: Cluster, name: string): Promise<Stored<EmbeddingService>> {
  const service = await kube.get(embeddingServices, { namespace, name });
  if (service) return service;
  const { items } = await kube.list(embeddingServices, { namespace });
  const known = items.map(({ metadata }) => metadata.name);
  const there = known.length > 0 ? `there are ${known.join(", ")}` : "there are none; look in another with -n";
  throw new CommandError("notFound", `there is no service ${name} in namespace ${namespace}: ${there}`);
}

/** The rollout that a service is in. */
export async function rolloutUnderWay(cluster: Cluster, service: EmbeddingService): Promise<Stored<ModelRollout>> {
  const { kube, namespace } = cluster;
  const name = service.status.rollout?.name;
  const rollout = name === undefined ? null : await kube.get(modelRollouts, { namespace, name });
  if (rollout) return rollout;
  throw new CommandError(
    "notFound",
    `service ${service.metadata.name} is in no rollout: \`evenkeel status ${service.metadata.name}\` shows the last ones`,
  );
}

/** Changes the three fields that people may change, unless the rollout has changed meanwhile. */
export async function changeRollout(
  { kube, namespace }: Cluster,
  { metadata }: Stored<ModelRollout>,
  spec: Partial<Pick<ModelRollout["spec"], "paused" | "abort" | "approvals">>,
): Promise<ModelRollout> {
  const { name, resourceVersion } = metadata;
  return await kube.mergePatch(modelRollouts, { namespace, name }, { spec }, { resourceVersion });
}
