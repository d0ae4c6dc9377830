import type { EmbeddingService, EmbeddingServiceStatus } from "../../api/index.ts";
import type { Requeue, Stored } from "../../kube/index.ts";
import { withCondition } from "../condition.ts";
import { instant } from "../instant.ts";
import type { Turn } from "../ports.ts";
import type { Stalled } from "../rule.ts";
import { saveStatus } from "../save.ts";
import { measure } from "./report.ts";

/** A status that says what the whole service is held up by. */
export function stalledBy(
  status: EmbeddingServiceStatus,
  { reason, message }: Stalled,
  generation: number,
  now: number,
): EmbeddingServiceStatus {
  const saying = { type: "Stalled", holds: true, reason, message, generation };
  return { ...status, phase: "Stalled", conditions: withCondition(status.conditions, saying, instant(now)) };
}

/** A service that goes does not leave before what was decided is in the trail: that is said (decision 28). */
export async function awaitTrail(turn: Turn, service: Stored<EmbeddingService>, problem: Stalled): Promise<Requeue> {
  return { after: await sayStalled(turn, service, problem), backoff: true };
}

/** Nothing is done for a service whose field is another's: what frees the field brings this one up again. */
export async function awaitField(turn: Turn, service: Stored<EmbeddingService>, problem: Stalled): Promise<Requeue> {
  return { after: await sayStalled(turn, service, problem) };
}

async function sayStalled(turn: Turn, service: Stored<EmbeddingService>, problem: Stalled): Promise<number> {
  const { caches, clock, settings } = turn;
  const status = stalledBy(service.status, problem, service.metadata.generation, clock.now());
  await saveStatus(turn, caches.embeddingServices, service, status);
  measure(turn, service, status);
  return settings.resync;
}
