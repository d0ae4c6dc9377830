import type { Cause, EmbeddingService } from "../../api/index.ts";
import { causeId } from "../identity.ts";

/** A cause as it would be tried now, and how that try has ended; null while there was none. */
export type Try = { readonly cause: Cause; readonly ended: string | null };

/** Ends that say nothing of the data: the trainer, its memory or its time were not enough, or somebody took it away. */
const besideTheData: ReadonlySet<string> = new Set(["Failed", "Cancelled", "Deleted"]);

/** Whether a change of the service lets a cause be tried again whose run ended so. */
export function isMendable(outcome: string): boolean {
  return besideTheData.has(outcome);
}

/**
 * What was proved of the data stands until the data changes (decision 8). Any other end stands until the service does: then
 * there is a try with an id of its own, which follows from the one before (docs/decisions/0026).
 */
export function tryOf(service: Pick<EmbeddingService, "metadata" | "status">, cause: Cause): Try {
  const { metadata, status } = service;
  const ended = status.lastCauses.find(({ id }) => id === cause.id);
  if (!ended) return { cause, ended: null };
  if (!isMendable(ended.outcome) || ended.generation === metadata.generation) return { cause, ended: ended.outcome };
  return tryOf(service, { ...cause, id: causeId({ after: cause.id }) });
}
