import { discard } from "../ensure.ts";
import type { Turn } from "../ports.ts";
import type { Stalled } from "../rule.ts";
import { outdated } from "./history.ts";
import type { Observed } from "./world.ts";

/** What a long past leaves is taken away a part at a time: the going of each part brings the service here again. */
const mostAtOnce = 10;

/** Deletes what is beyond the history; Jobs go with their runs. */
export async function prune(turn: Turn, world: Observed): Promise<Stalled[]> {
  const { retrainings, modelRollouts, modelVersions } = turn.caches;
  const { runs, rollouts, versions } = outdated(world);
  const deletions = [
    ...staying(runs).map((run) => () => discard(turn, retrainings, run)),
    ...staying(rollouts).map((rollout) => () => discard(turn, modelRollouts, rollout)),
    ...staying(versions).map((version) => () => discard(turn, modelVersions, version)),
  ];
  const problems: Stalled[] = [];
  for (const deletion of deletions.slice(0, mostAtOnce)) {
    const problem = await deletion();
    if (problem) problems.push(problem);
  }
  return problems;
}

function staying<Item extends { readonly metadata: { readonly deletionTimestamp?: string } }>(
  items: readonly Item[],
): Item[] {
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}
