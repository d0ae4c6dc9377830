import type { EmbeddingService } from "../api/index.ts";
import { deployments, isKubeError } from "../kube/index.ts";
import { isStalled, unlessFailed } from "./ensure.ts";
import { fieldManagers } from "./labels.ts";
import type { Turn } from "./ports.ts";
import type { Stalled } from "./rule.ts";
import { fieldPatch, ownedBy, type Workload } from "./workload.ts";

/** What a write of the field needs of a turn. */
type Writing = Pick<Turn, "key" | "caches" | "signal"> & {
  readonly kube: Pick<Turn["kube"], "apply">;
  readonly writes: Pick<Turn["writes"], "wrote">;
};

/**
 * Gives the workload's field a value, never by force (decision 24).
 *
 * @returns null when it has it; or who owns the field, or why the API server will not have it
 */
export async function setField(
  { kube, caches, writes, key, signal }: Writing,
  { spec }: EmbeddingService,
  { resourceVersion, inInitContainer }: Workload,
  uri: string,
): Promise<Stalled | null> {
  const patch = fieldPatch(spec.workloadRef.name, key.namespace, spec.model, uri, inInitContainer);
  const options = { fieldManager: fieldManagers.field, resourceVersion, signal };
  try {
    const applied = await unlessFailed(() => kube.apply(deployments, patch, options));
    if (isStalled(applied)) return applied;
    writes.wrote(key, caches.deployments, applied);
    return null;
  } catch (error) {
    if (!isKubeError(error, "FieldConflict")) throw error;
    return ownedBy(spec, error.fieldManagers);
  }
}
