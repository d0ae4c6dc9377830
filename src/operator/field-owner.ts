import type { EmbeddingService } from "../api/index.ts";
import { deployments, isKubeError } from "../kube/index.ts";
import { fieldManagers } from "./labels.ts";
import type { Ownership } from "./ownership.ts";
import type { Turn } from "./ports.ts";
import { unread } from "./unread.ts";
import { fieldPatch, type Workload } from "./workload.ts";

type Asking = Pick<Turn, "signal" | "ownerships"> & { readonly kube: Pick<Turn["kube"], "apply"> };

/** A value that nobody has: applying the value that is there conflicts with nobody. */
const probe = "evenkeel.dev/dry-run";

/** A webhook that does not answer must not hold up what else is observed, ms. */
const patience = 5000;

/**
 * Who owns the workload's field besides evenkeel, by a dry-run apply that stores nothing (decision 24). It is asked again
 * only when the workload has changed.
 */
export async function fieldOwnership(
  { kube, ownerships, signal }: Asking,
  { metadata, spec }: EmbeddingService,
  workload: Workload,
): Promise<Ownership> {
  const known = ownerships.get(workload.deployment) ?? new Map<string, Ownership>();
  const id = `${spec.model.container} ${spec.model.env}`;
  const before = known.get(id);
  if (before) return before;
  const patch = fieldPatch(spec.workloadRef.name, metadata.namespace, spec.model, probe, workload.inInitContainer);
  const answer = await ask(() =>
    kube.apply(deployments, patch, { dryRun: true, fieldManager: fieldManagers.field, timeoutMs: patience, signal }),
  );
  if (answer.kind !== "Unknown") ownerships.set(workload.deployment, known.set(id, answer));
  return answer;
}

async function ask(apply: () => Promise<unknown>): Promise<Ownership> {
  try {
    await apply();
    return { kind: "Ours" };
  } catch (error) {
    if (isKubeError(error, "FieldConflict")) return { kind: "OwnedBy", managers: error.fieldManagers };
    return { kind: "Unknown", message: unread(error).message };
  }
}
