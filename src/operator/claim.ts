import type { EmbeddingService } from "../api/index.ts";
import type { Stalled } from "./rule.ts";

const taken = "WorkloadTaken";

/** Whether two services would set the same variable of the same workload. */
function claimSameField(a: EmbeddingService, b: EmbeddingService): boolean {
  return (
    a.metadata.namespace === b.metadata.namespace &&
    a.spec.workloadRef.name === b.spec.workloadRef.name &&
    a.spec.model.container === b.spec.model.container &&
    a.spec.model.env === b.spec.model.env
  );
}

/**
 * A field has one service, the oldest that names it, until that is gone: two would adopt, train and roll out against each
 * other.
 */
export function fieldTaken(service: EmbeddingService, all: Iterable<EmbeddingService>): Stalled | null {
  const { workloadRef, model } = service.spec;
  for (const other of all) {
    if (other.metadata.uid === service.metadata.uid || !claimSameField(other, service)) continue;
    if (age(other) > age(service)) continue;
    const message =
      `${model.env} of Deployment ${workloadRef.name} is set by EmbeddingService ${other.metadata.name}, which is older: ` +
      "delete one of them, or give this one another workload";
    return { reason: taken, message };
  }
  return null;
}

export function awaitsField({ status: { conditions } }: EmbeddingService): boolean {
  return conditions.some(({ type, status, reason }) => type === "Stalled" && status === "True" && reason === taken);
}

function age({ metadata: { creationTimestamp = "", name } }: EmbeddingService): string {
  return `${creationTimestamp} ${name}`;
}
