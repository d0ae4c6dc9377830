import {
  type AuditStatus,
  type DecisionRecord,
  type EmbeddingService,
  mostPending,
  pendingReserve,
} from "../api/index.ts";
import { appendTo, canonical, type Entry, type Fact, genesis, link, SegmentError } from "../audit/index.ts";
import { type ConfigMap, configMaps, isKubeError, type Key, type Kube, type Stored } from "../kube/index.ts";
import { failureIn } from "./ensure.ts";
import { names } from "./identity.ts";
import { instant } from "./instant.ts";
import { labels } from "./labels.ts";
import type { Turn } from "./ports.ts";
import type { Stalled } from "./rule.ts";
import type { Said } from "./said.ts";

const file = "entries.jsonl";

/** Why a service stalls whose trail cannot be written. */
export const auditNotWritten = "AuditNotWritten";

/** The segment that holds what was pending, or why none does. */
export type Flushed =
  | { readonly kind: "Written"; readonly segment: number }
  | ({ readonly kind: "NotWritten" } & Stalled);

/** What a flush needs of a turn. */
type Flushing = Pick<Turn, "signal"> & {
  readonly kube: Pick<Kube, "create" | "replace"> & {
    readonly get: (
      resource: typeof configMaps,
      key: Key,
      options: { readonly signal: AbortSignal },
    ) => Promise<Stored<ConfigMap> | null>;
  };
};

/**
 * Writes the pending entries into their segment, before the next decision is taken (decision 28); while that cannot be
 * done, only what protects and what goes back is decided (decision 25). Doing it again does nothing, nor does it when
 * nobody heard that it was done and more is pending since. Segments have no owner: the trail outlives its service.
 */
export async function flush(turn: Flushing, service: Stored<EmbeddingService>): Promise<Flushed> {
  try {
    return { kind: "Written", segment: await write(turn, service) };
  } catch (error) {
    const because = error instanceof SegmentError ? error.message : failureIn(error).message;
    const { seq } = service.status.audit;
    const message = `entries up to ${seq} are not in the audit trail, and until they are nothing is trained or promoted: ${because}`;
    return { kind: "NotWritten", reason: auditNotWritten, message };
  }
}

async function write({ kube, signal }: Flushing, { metadata, status }: Stored<EmbeddingService>): Promise<number> {
  let pending: readonly Entry[] = status.audit.pending;
  let { segment } = status.audit;
  if (pending.length === 0) return segment;
  for (;;) {
    const key = { namespace: metadata.namespace, name: names.auditSegment(metadata.uid, segment) };
    const existing = await kube.get(configMaps, key, { signal });
    const appended = appendTo(existing?.data?.[file] ?? "", pending);
    switch (appended.kind) {
      case "There":
        return segment;
      case "Next":
        pending = appended.left;
        segment += 1;
        continue;
      case "Append": {
        const data = { [file]: appended.text };
        if (existing) await kube.replace(configMaps, { ...existing, data }, { signal });
        else await kube.create(configMaps, { metadata: { ...key, labels: labelsOf(metadata) }, data }, { signal });
        return segment;
      }
      default:
        return appended satisfies never;
    }
  }
}

/** As `flush`; in a namespace that is being deleted the trail goes with it. */
export async function flushWhilePossible(turn: Flushing, service: Stored<EmbeddingService>): Promise<Flushed> {
  try {
    return await flush(turn, service);
  } catch (error) {
    if (isKubeError(error, "NamespaceTerminating")) return { kind: "Written", segment: service.status.audit.segment };
    throw error;
  }
}

function labelsOf({ name, uid }: { readonly name: string; readonly uid: string }): Record<string, string> {
  return { [labels.service]: name, [labels.audit]: uid, [labels.managedBy]: "evenkeel" };
}

/** An object whose decisions wait to be taken in. */
export type Deciding = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: { readonly decisions: readonly DecisionRecord[] };
};

/**
 * The chain with new entries linked to its end: the service's own decisions, and as many of those of its runs and
 * rollouts as there is room for, in their order. While the trail cannot be written, its own only: theirs wait where they
 * are, and what is pending stays.
 *
 * @param flushed  what became of the entries that were pending
 * @param hidden   whether there may be more of those than are given: then none is forgotten
 */
export function extend(
  audit: AuditStatus,
  flushed: Flushed,
  said: readonly Said[],
  others: readonly Deciding[],
  now: number,
  hidden = false,
): AuditStatus {
  const own = said.map(
    ({ kind, subject, facts }): Fact => ({ kind, subject, at: instant(now), detail: canonical(facts) }),
  );
  const waiting = others
    .flatMap((object) => {
      const from = audit.taken.find(({ uid }) => uid === object.metadata.uid)?.n ?? 0;
      return object.status.decisions.filter(({ n }) => n > from).map((decision) => ({ object, decision }));
    })
    .toSorted((a, b) => (a.decision.at < b.decision.at ? -1 : a.decision.at > b.decision.at ? 1 : 0))
    .slice(0, flushed.kind === "Written" ? Math.max(0, mostPending - pendingReserve - own.length) : 0);
  const theirs = waiting.map(
    ({ object, decision: { kind, at, detail } }): Fact => ({
      kind,
      at,
      detail,
      subject: `${object.kind}/${object.metadata.name}`,
    }),
  );
  const added = link(audit.seq === 0 ? genesis : audit, [...theirs, ...own]);
  const last = added.at(-1);
  return {
    seq: last?.seq ?? audit.seq,
    head: last?.hash ?? audit.head,
    segment: flushed.kind === "Written" ? flushed.segment : audit.segment,
    pending: flushed.kind === "Written" ? added : [...audit.pending, ...added],
    taken: [...(hidden ? unseen(audit, others) : []), ...takenAfter(audit, others, waiting)].slice(-20),
  };
}

/** Numbers are kept only for objects that still show decisions: the others dropped theirs because they were taken. */
function takenAfter(
  { taken }: AuditStatus,
  others: readonly Deciding[],
  now: readonly { readonly object: Deciding; readonly decision: DecisionRecord }[],
): AuditStatus["taken"] {
  return others
    .filter(({ status }) => status.decisions.length > 0)
    .flatMap(({ metadata: { uid } }) => {
      const before = taken.find((entry) => entry.uid === uid)?.n ?? 0;
      const n = Math.max(
        before,
        ...now.filter(({ object }) => object.metadata.uid === uid).map(({ decision }) => decision.n),
      );
      return n > 0 ? [{ uid, n }] : [];
    });
}

function unseen({ taken }: AuditStatus, others: readonly Deciding[]): AuditStatus["taken"] {
  return taken.filter(({ uid }) => others.every(({ metadata }) => metadata.uid !== uid));
}

/** How far the service has taken in an object's decisions; null when there is no service that would. */
export function takenOf(service: EmbeddingService | null, uid: string): number | null {
  if (!service) return null;
  return service.status.audit.taken.find((entry) => entry.uid === uid)?.n ?? 0;
}
