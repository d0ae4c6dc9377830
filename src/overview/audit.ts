import type { EmbeddingService } from "../api/index.ts";
import { type Entry, parseLines, type Verification, verifyChain } from "../audit/index.ts";
import { embeddingServices } from "../kinds.ts";
import { type ConfigMap, configMaps, type Key, type ListOptions, type Stored } from "../kube/index.ts";

/** A service's record of decisions, with what checking it gave. */
export interface AuditChain {
  readonly entries: readonly Entry[];
  readonly segments: number;
  /** Entries that stand in the service's status and not yet in a segment. */
  readonly pending: number;
  readonly verification: Verification;
}

/** What reading needs of a `Kube`. */
type Reading = {
  readonly list: (
    resource: typeof configMaps,
    options: ListOptions,
  ) => Promise<{ readonly items: readonly Stored<ConfigMap>[] }>;
  readonly get: (resource: typeof embeddingServices, key: Key) => Promise<EmbeddingService | null>;
};

/**
 * Reads a service's audit segments and the entries on their way to them, and checks the chain up to the head that the
 * status names. The operator may decide more between the two: the chain is broken only if the head is still that one.
 *
 * @throws {SegmentError} for a segment that holds something else than entries
 */
export async function readAudit(kube: Reading, service: EmbeddingService): Promise<AuditChain> {
  const chain = await readOnce(kube, service);
  if (chain.verification.kind === "Whole") return chain;
  const { namespace, name, uid } = service.metadata;
  const now = await kube.get(embeddingServices, { namespace, name });
  if (now?.metadata.uid !== uid || now.status.audit.seq === service.status.audit.seq) return chain;
  return await readAudit(kube, now);
}

async function readOnce(kube: Reading, { metadata, status }: EmbeddingService): Promise<AuditChain> {
  const { namespace, uid } = metadata;
  const { items } = await kube.list(configMaps, { namespace, labelSelector: `evenkeel.dev/audit=${uid}` });
  const segments = items
    .map((item) => ({ number: Number(item.metadata.name.slice(item.metadata.name.lastIndexOf("-") + 1)), item }))
    .toSorted((a, b) => a.number - b.number);
  const flushed = segments.flatMap(({ item }) => parseLines(item.data?.["entries.jsonl"] ?? ""));
  const last = flushed.at(-1)?.seq ?? 0;
  const pending = status.audit.pending.filter(({ seq }) => seq > last);
  const entries = [...flushed, ...pending];
  const { seq, head } = status.audit;
  const verification = verifyChain(entries, seq === 0 ? undefined : { seq, head });
  return { entries, segments: segments.length, pending: pending.length, verification };
}
