import { type DecisionRecord, mostDecisions } from "../api/index.ts";
import { canonical } from "../audit/index.ts";
import { type Informer, type KubeObject, type Stored } from "../kube/index.ts";
import { instant } from "./instant.ts";
import { fieldManagers } from "./labels.ts";
import type { Turn } from "./ports.ts";
import type { Said } from "./said.ts";

/**
 * Writes a status when it differs from the one that was observed, on the precondition that nobody wrote meanwhile.
 *
 * @returns whether it was written
 */
export async function saveStatus<T extends KubeObject & { readonly status: object }>(
  { kube, writes, key, signal }: Turn,
  informer: Informer<T>,
  object: Stored<T>,
  status: NoInfer<T["status"]>,
): Promise<boolean> {
  if (canonical(object.status) === canonical(status)) return false;
  const saved = await kube.replaceStatus(
    informer.resource,
    { ...object, status },
    { fieldManager: fieldManagers.status, signal },
  );
  writes.wrote(key, informer, saved);
  return true;
}

type DecisionStatus = { readonly decided: number; readonly decisions: DecisionRecord[] };

/**
 * Puts decisions into a status that waits for its service to take them into the audit chain, and drops those that it has.
 *
 * @param taken  number of the last one that is in the chain; null when there is no service to take them
 * @param most   how many may wait then
 * @returns null when there is no room
 */
export function withDecisions<Status extends DecisionStatus>(
  status: Status,
  said: readonly Said[],
  taken: number | null,
  now: number,
  most = mostDecisions,
): Status | null {
  const waiting = status.decisions.filter(({ n }) => n > (taken ?? 0));
  const added = said.map(({ kind, facts }, index) => ({
    n: status.decided + index + 1,
    at: instant(now),
    kind,
    detail: canonical(facts),
  }));
  const decisions = [...waiting, ...added];
  if (taken !== null && decisions.length > most) return null;
  return { ...status, decided: status.decided + added.length, decisions: decisions.slice(-mostDecisions) };
}
