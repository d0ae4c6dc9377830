import type { EmbeddingService } from "../../api/index.ts";
import type { Stored } from "../../kube/index.ts";
import { discard } from "../ensure.ts";
import type { Turn } from "../ports.ts";
import { type History, outdated } from "./history.ts";

/** What a long past leaves is taken away a part at a time: the going of each part brings the service here again. */
const mostAtOnce = 10;

/**
 * Deletes what is beyond the history; Jobs go with their runs. A deletion that is refused holds nothing up but the next
 * one: the service goes on, and an event says why its past grows.
 */
export async function prune(turn: Turn, service: Stored<EmbeddingService>, past: History): Promise<void> {
  const { retrainings, modelRollouts, modelVersions } = turn.caches;
  const { runs, rollouts, versions } = outdated(past);
  const deletions = [
    ...staying(runs).map((run) => () => discard(turn, retrainings, run)),
    ...staying(rollouts).map((rollout) => () => discard(turn, modelRollouts, rollout)),
    ...staying(versions).map((version) => () => discard(turn, modelVersions, version)),
  ];
  for (const deletion of deletions.slice(0, mostAtOnce)) {
    const problem = await deletion();
    if (!problem) continue;
    turn.events.record({
      regarding: service,
      type: "Warning",
      reason: "HistoryNotPruned",
      action: "Prune",
      note: problem.message,
    });
    return;
  }
}

function staying<Item extends { readonly metadata: { readonly deletionTimestamp?: string } }>(
  items: readonly Item[],
): Item[] {
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}
