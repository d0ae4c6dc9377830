import {
  type DocumentCount,
  type EmbeddingServiceStatus,
  type GatewayReport,
  mostDocumentCounts,
  mostTakenGateways,
  type ReportedDocuments,
  withMore,
} from "../api/index.ts";
import { canonical } from "../audit/index.ts";
import { instant, time } from "./instant.ts";

/** A gateway's pod, and what stands under its name in the reports. */
export type Gateway = {
  readonly name: string;
  /** Whether its pod exists. */
  readonly exists: boolean;
  /** null when there is none that can be read. */
  readonly report: GatewayReport | null;
};

type Taken = NonNullable<EmbeddingServiceStatus["documentsTaken"]>["gateways"][number];
type Counted = Pick<EmbeddingServiceStatus, "documents" | "documentsTaken">;
type Counting = Counted & Pick<EmbeddingServiceStatus, "activeVersion" | "rollout">;

/** Marks of gateways that are gone: one that was only cut off may report again, and must not be counted twice. */
const mostGone = 8;
/** Time between two takings, so that busy clients cause no status writes of their own, ms. */
const takeEvery = 30_000;
/** Gateways repeat their report each 15 s: one without a pod that has said nothing for so long says nothing more, ms. */
const silence = 60_000;

/**
 * The counts with what gateways have reported since. Counts and how far each gateway's were taken in are of one status
 * write, so that nothing is counted twice, whoever restarts (decision 22). A report that there is no room for a mark of
 * waits where it lies: those of gateways that are gone are cleared once they were taken in, and make room.
 */
export function countDocuments(status: Counting, gateways: readonly Gateway[], now: number): Counted {
  const current = new Set([status.activeVersion?.digest, status.rollout?.to?.digest]);
  const before = status.documentsTaken?.gateways ?? [];
  let documents = status.documents;
  const markOfGateway = new Map(before.map((mark) => [mark.name, mark]));
  const isNew = ({ name }: Gateway): number => (markOfGateway.has(name) ? 0 : 1);
  const known: Taken[] = [];
  for (const { name, report } of gateways.toSorted((a, b) => isNew(a) - isNew(b))) {
    const mark = markOfGateway.get(name);
    if (!mark && known.length === mostTakenGateways) break;
    const fresh = report?.documents ? since(mark, report.documents, report.at) : [];
    for (const count of fresh) documents = withCount(documents, count, current.has(count.digest));
    const next = fresh.length > 0 && report?.documents ? markOf(name, report.documents, report.at) : mark;
    if (next) known.push(next);
  }
  const gone = before.filter(({ name }) => gateways.every((gateway) => gateway.name !== name));
  const remembered = Math.min(mostGone, mostTakenGateways - known.length);
  const taken = [...gone.slice(Math.max(0, gone.length - remembered)), ...known];
  documents = documents
    .map((stretch) => (current.has(stretch.digest) ? stretch : { ...stretch, ended: true }))
    .slice(-mostDocumentCounts);
  if (canonical({ documents, taken }) === canonical({ documents: status.documents, taken: before })) {
    const { documentsTaken } = status;
    return { documents: status.documents, ...(documentsTaken ? { documentsTaken } : {}) };
  }
  return { documents, documentsTaken: { at: instant(now), gateways: taken } };
}

/** What a report has over what was taken in; nothing when it is not a newer one. */
function since(mark: Taken | undefined, { since: began, versions }: ReportedDocuments, at: string): DocumentCount[] {
  if (mark?.since !== began) return versions;
  if (at <= mark.at) return [];
  return versions.flatMap((version) => {
    const before = mark.versions.find(({ digest }) => digest === version.digest);
    if (!before) return [version];
    const count = Math.max(0, version.count - before.count);
    const uncounted = Math.max(0, version.uncounted - before.uncounted);
    if (count === 0 && uncounted === 0) return [];
    const { first, last } = version;
    // Those before were in the report before; one that was answered and not yet counted then is late by seconds.
    const from = mark.at < last ? mark.at : last;
    return [{ ...version, count, uncounted, first: first > from ? first : from }];
  });
}

function markOf(name: string, { since: began, versions }: ReportedDocuments, at: string): Taken {
  const counts = versions.map(({ digest, count, uncounted }) => ({ digest, count, uncounted }));
  return { name, since: began, at, versions: counts };
}

/** Documents of a version that has come back begin a new stretch; late ones of one that was left belong to its last. */
function withCount(
  documents: EmbeddingServiceStatus["documents"],
  added: DocumentCount,
  current: boolean,
): EmbeddingServiceStatus["documents"] {
  const index = documents.findLastIndex(({ digest }) => digest === added.digest);
  const stretch = documents[index];
  if (!stretch || (stretch.ended && current)) return [...documents, { ...added, ended: false }];
  return documents.with(index, { ...stretch, ...withMore(stretch, added) });
}

/** The status with the counts of now, when it is time: each half minute, and whenever a rollout moves on. */
export function withDocuments(
  before: EmbeddingServiceStatus,
  after: EmbeddingServiceStatus,
  gateways: readonly Gateway[],
  now: number,
): EmbeddingServiceStatus {
  const taken = before.documentsTaken;
  const moved = before.rollout?.name !== after.rollout?.name || before.rollout?.phase !== after.rollout?.phase;
  if (taken && now - time(taken.at) < takeEvery && !moved) return after;
  return { ...after, ...countDocuments(after, gateways, now) };
}

/** Names of reports of gateways that are gone, once the status that is saved has all that they counted. */
export function spentReports({ documentsTaken }: Counted, gateways: readonly Gateway[], now: number): string[] {
  return gateways.flatMap(({ name, exists, report }) => {
    if (exists) return [];
    const mark = documentsTaken?.gateways.find((each) => each.name === name);
    const open = report?.documents ? since(mark, report.documents, report.at).length > 0 : false;
    return open || (report && now - time(report.at) < silence) ? [] : [name];
  });
}
