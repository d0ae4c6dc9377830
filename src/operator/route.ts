import type { ModelRollout } from "../api/index.ts";
import { selectorText } from "./label-selector.ts";
import { poolSelector } from "./pool.ts";

/** What gateways are to be told of the pool beside the stable one (decision 32). */
export function routeWanted(rollout: ModelRollout | null) {
  if (!rollout) return null;
  const { spec, status } = rollout;
  const pool = (end: ModelRollout["spec"]["to"], weight: number, mirror: boolean) => ({
    digest: end.digest,
    uri: end.uri,
    selector: selectorText({ matchLabels: poolSelector(spec.serviceRef.name, end.digest) }),
    weight,
    mirror,
    documents: status.phase === "RollingBack",
  });
  switch (status.phase) {
    case "Progressing":
    case "Paused":
    case "Promoting":
      return status.weight > 0 || status.mirror ? pool(spec.to, status.weight, status.mirror) : null;
    case "RollingBack":
      return status.fallback ? pool(spec.from, 100, false) : null;
    case "Pending":
    case "Watching":
    case "Promoted":
    case "RolledBack":
      return null;
    default:
      return status.phase satisfies never;
  }
}
