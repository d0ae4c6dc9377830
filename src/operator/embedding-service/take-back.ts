import type { EmbeddingService } from "../../api/index.ts";
import { controllerReference, keyOf, type Service, type Stored, services } from "../../kube/index.ts";
import { ensure, isStalled, unlessFailed } from "../ensure.ts";
import { annotations } from "../labels.ts";
import type { Turn } from "../ports.ts";
import type { Stalled } from "../rule.ts";
import { gatewayService } from "./gateway-objects.ts";

type Named = { readonly metadata: Pick<EmbeddingService["metadata"], "name" | "namespace"> };

/** What the operator writes on a Service that it leaves to clients, and nobody else does. */
export function releaseMark({ metadata: { namespace, name } }: Named): Record<string, string> {
  return { [annotations.releasedBy]: `${namespace}/${name}` };
}

/** Whether the operator left it to clients itself, when a service of this very name was deleted, and nobody owns it now. */
export function isReleasedBy({ metadata }: Pick<Service, "metadata">, service: Named): boolean {
  if ((metadata.ownerReferences ?? []).length > 0) return false;
  return Object.entries(releaseMark(service)).every(([name, value]) => metadata.annotations?.[name] === value);
}

/** As `ensure`; a service that is made anew takes back the Service that the one before it left, with its clients. */
export async function ensureService(turn: Turn, service: Stored<EmbeddingService>): Promise<Stalled | null> {
  const { caches, events, kube, key, signal, writes } = turn;
  const desired = gatewayService(service);
  const problem = await ensure(turn, caches.services, desired, service);
  if (problem?.reason !== "NameTaken") return problem;
  const replaced = await unlessFailed(async () => {
    const existing = await kube.get(services, keyOf(desired), { signal });
    if (!existing || !isReleasedBy(existing, service)) return problem;
    return await kube.replace(services, takenBack(existing, service), { signal });
  });
  if (isStalled(replaced)) return replaced;
  writes.wrote(key, caches.services, replaced);
  const note = `Service ${replaced.metadata.name} was left to clients when ${key.name} was deleted: it leads to the gateway again`;
  events.record({ regarding: service, type: "Normal", reason: "ServiceTakenBack", note });
  return null;
}

/** Its address and what others have added stay. */
export function takenBack(existing: Stored<Service>, service: Stored<EmbeddingService>): Stored<Service> {
  const { metadata, spec } = gatewayService(service);
  const { [annotations.releasedBy]: _, ...kept } = existing.metadata.annotations ?? {};
  return {
    ...existing,
    metadata: {
      ...existing.metadata,
      labels: { ...existing.metadata.labels, ...metadata.labels },
      annotations: kept,
      ownerReferences: [controllerReference(service)],
    },
    spec: { ...existing.spec, ...spec },
  };
}
