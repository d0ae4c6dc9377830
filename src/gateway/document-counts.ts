import { type DocumentCount, mostReportedVersions, type ReportedDocuments, withMore } from "../api/index.ts";

/** Documents that models embedded through this gateway (decision 22). */
export class DocumentCounts {
  #since: string;
  /** The one that embedded last stands last. */
  readonly #versions = new Map<string, DocumentCount>();

  /** @param since  ms of Unix time */
  constructor(since: number) {
    this.#since = new Date(since).toISOString();
  }

  /**
   * @param at     when the request was answered, ms of Unix time
   * @param count  documents of the request; null when they could not be counted, which is counted itself
   */
  add(digest: string, at: number, count: number | null): void {
    const time = new Date(at).toISOString();
    this.#add({ digest, count: count ?? 0, uncounted: count === null ? 1 : 0, first: time, last: time });
  }

  /** Goes on from what a process before reported, so that a kill loses no more than that process had not reported. */
  resume({ since, versions }: ReportedDocuments): void {
    this.#since = since;
    for (const version of versions) this.#add(version);
  }

  report(): ReportedDocuments {
    return { since: this.#since, versions: [...this.#versions.values()] };
  }

  #add(added: DocumentCount): void {
    const { digest } = added;
    const before = this.#versions.get(digest);
    this.#versions.delete(digest);
    this.#versions.set(digest, before ? withMore(before, added) : added);
    const [oldest] = this.#versions.keys();
    if (this.#versions.size > mostReportedVersions && oldest !== undefined) this.#versions.delete(oldest);
  }
}
