import type { EmbeddingService, EmbeddingServiceStatus } from "../../api/index.ts";
import { embeddingServices } from "../../kinds.ts";
import { done, hasFinalizer, isBeingDeleted, type Requeue, type Stored, withFinalizer } from "../../kube/index.ts";
import { extend, flush } from "../audit-trail.ts";
import { hidesDecisions } from "../caches.ts";
import { fieldTaken } from "../claim.ts";
import { isRefused } from "../ensure.ts";
import { finalizers } from "../labels.ts";
import type { Turn } from "../ports.ts";
import { saveStatus } from "../save.ts";
import { type Applied, apply } from "./apply.ts";
import { type Decision, decide } from "./decide.ts";
import { evaluationInterval } from "./evaluate-signals.ts";
import { observe } from "./observe.ts";
import { release } from "./release.ts";
import { forget, report } from "./report.ts";
import { awaitField, stalledBy } from "./stalled.ts";
import type { Observed } from "./world.ts";

export async function reconcile(turn: Turn): Promise<Requeue> {
  const { caches, key, clock } = turn;
  const service = caches.embeddingServices.get(key);
  if (!service) {
    await Promise.all([forget(turn), turn.sources.forget(key)]);
    return done;
  }
  if (isBeingDeleted(service)) return hasFinalizer(service, finalizers.service) ? release(turn, service) : done;
  if (!hasFinalizer(service, finalizers.service)) return hold(turn, service);
  const taken = fieldTaken(service, caches.embeddingServices.list(key.namespace));
  if (taken) return awaitField(turn, service, taken);
  // What was decided is in the trail before anything is trained or promoted (decision 28).
  const flushed = await flush(turn, service);
  const trail = flushed.kind === "NotWritten" ? flushed : null;
  const now = clock.now();
  const world = await observe(turn, service, trail, now);
  const decision = decide(world, now);
  const applied = await apply(turn, service, world, decision);
  const status = statusOf(world, decision, applied, now);
  const others = [...world.runs, ...world.rollouts];
  const hidden = hidesDecisions(caches, key.namespace);
  const audit = extend(service.status.audit, flushed, decision.said, others, now, hidden);
  await saveStatus(turn, caches.embeddingServices, service, { ...status, audit });
  report(turn, service, { ...status, audit }, decision);
  const waits = trail !== null || applied.stalled.some(isRefused);
  return { after: wakeAfter(turn, service, decision, now), backoff: waits };
}

async function hold({ kube, writes, caches, key, signal }: Turn, service: Stored<EmbeddingService>): Promise<Requeue> {
  const { resourceVersion } = service.metadata;
  const patch = { metadata: { finalizers: withFinalizer(service.metadata.finalizers, finalizers.service) } };
  writes.wrote(
    key,
    caches.embeddingServices,
    await kube.mergePatch(embeddingServices, key, patch, { resourceVersion, signal }),
  );
  return done;
}

/** The decision's status, with what was found out while it was carried out. */
export function statusOf(
  { service, trail }: Pick<Observed, "service" | "trail">,
  { status }: Pick<Decision, "status">,
  { stalled, routing, made }: Applied,
  now: number,
): EmbeddingServiceStatus {
  const { retraining, rollout } = status;
  // The trail is said first: its rollouts read there that they are held.
  const [problem] = trail ? [] : stalled;
  // As it was said before: the decision has just said that nothing stalls, and the time of the change would be lost.
  const before = service.status.conditions.find(({ type }) => type === "Stalled");
  const conditions = status.conditions.map((each) => (before && each.type === "Stalled" ? before : each));
  const next = {
    ...status,
    ...(retraining && made.retraining ? { retraining: { ...retraining, uid: made.retraining } } : {}),
    ...(rollout && made.rollout ? { rollout: { ...rollout, uid: made.rollout } } : {}),
    ...(routing ? { routing } : {}),
  };
  return problem ? stalledBy({ ...next, conditions }, problem, service.metadata.generation, now) : next;
}

function wakeAfter({ settings }: Turn, service: EmbeddingService, { retraining }: Decision, now: number): number {
  const evaluates = service.spec.triggers.some(({ schedule }) => schedule === undefined);
  const at = retraining.kind === "Steady" ? retraining.wakeAt : retraining.kind === "Wait" ? retraining.until : null;
  return Math.max(
    10,
    Math.min(
      settings.resync,
      evaluates ? evaluationInterval(service) : settings.resync,
      at === null ? Infinity : at - now,
    ),
  );
}
