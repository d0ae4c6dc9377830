import type { EmbeddingService } from "../../api/index.ts";
import { embeddingServices } from "../../kinds.ts";
import { done, type Requeue, type Stored, services, withoutFinalizer } from "../../kube/index.ts";
import { extend, flushWhilePossible } from "../audit-trail.ts";
import { byService, hidesDecisions } from "../caches.ts";
import { names } from "../identity.ts";
import { instant } from "../instant.ts";
import { finalizers, labels } from "../labels.ts";
import type { Turn } from "../ports.ts";
import { saveStatus } from "../save.ts";
import { workloadOf } from "../workload.ts";
import { releasedService } from "./gateway-objects.ts";
import { awaitTrail } from "./stalled.ts";
import { releaseMark } from "./take-back.ts";

/**
 * A service that is deleted leaves in good order: clients of its gateway go on, straight to the workload; the workload
 * keeps the model it has (un-applying the field would restart its pods on nothing); the last decisions are in the audit
 * trail. What is left goes with its owner.
 */
export async function release(turn: Turn, service: Stored<EmbeddingService>): Promise<Requeue> {
  const { kube, caches, key, clock, signal, writes } = turn;
  const now = clock.now();
  const flushed = await flushWhilePossible(turn, service);
  if (flushed.kind === "NotWritten") return awaitTrail(turn, service, flushed);
  await repoint(turn, service);
  if (service.status.phase !== "Released") {
    const index = `${key.namespace}/${key.name}`;
    const facts = { activeVersion: service.status.activeVersion?.digest ?? "", at: instant(now) };
    const said = [{ kind: "ServiceReleased", subject: `EmbeddingService/${key.name}`, facts }];
    const others = [...caches.retrainings.by(byService, index), ...caches.modelRollouts.by(byService, index)];
    const audit = extend(service.status.audit, flushed, said, others, now, hidesDecisions(caches, key.namespace));
    await saveStatus(turn, caches.embeddingServices, service, { ...service.status, phase: "Released", audit });
    return done;
  }
  const { metadata } = service;
  const patch = { metadata: { finalizers: withoutFinalizer(metadata.finalizers, finalizers.service) } };
  await kube.mergePatch(embeddingServices, key, patch, { resourceVersion: metadata.resourceVersion, signal });
  writes.deleted(key, caches.embeddingServices, key, metadata.uid);
  return done;
}

/**
 * The Service becomes the user's: no owner, no label of ours, and the workload behind it. A mark tells where it comes from,
 * so that a service that is made anew may have it back.
 */
async function repoint({ kube, caches, key, signal }: Turn, service: Stored<EmbeddingService>): Promise<void> {
  const { namespace } = key;
  const existing = caches.services.get({ namespace, name: names.gateway(key.name) });
  const deployment = caches.deployments.get({ namespace, name: service.spec.workloadRef.name });
  if (!existing || !deployment || existing.metadata.deletionTimestamp !== undefined) return;
  if (!existing.metadata.ownerReferences?.some(({ uid }) => uid === service.metadata.uid)) return;
  const ours: ReadonlySet<string> = new Set(Object.values(labels));
  const kept = Object.entries(existing.metadata.labels ?? {}).filter(([label]) => !ours.has(label));
  const released = {
    ...existing,
    metadata: {
      ...existing.metadata,
      labels: Object.fromEntries(kept),
      annotations: { ...existing.metadata.annotations, ...releaseMark(service) },
      ownerReferences: [],
    },
    spec: { ...existing.spec, ...releasedService(service, workloadOf(deployment, service.spec.model)) },
  };
  await kube.replace(services, released, { signal });
}
