import type { z } from "zod";
import type { DocumentCount, documentCounts, Reembed } from "./document-count.ts";

/**
 * What is to be embedded again when a version is gone back from: what it embedded since it became active.
 *
 * @param from  an instant at which it was so already; absent for a version that is active still
 * @returns null when it embedded nothing
 */
export function reembedOf(
  documents: z.infer<typeof documentCounts>,
  { version, digest }: { readonly version: string; readonly digest: string },
  from?: string,
): Reembed | null {
  const stretch = documents.findLast((each) => each.digest === digest);
  if (!stretch || (from === undefined ? stretch.ended : stretch.last < from)) return null;
  const { count, uncounted, first, last } = stretch;
  return { version, digest, count, uncounted, first: from === undefined || first > from ? first : from, last };
}

/** `embed again what shop-b embedded from … to …: 1200 documents` */
export function reembedText({ version, count, uncounted, first, last }: Reembed): string {
  return `embed again what ${version} embedded from ${first} to ${last}: ${documentsText({ count, uncounted })}`;
}

/** `1200 documents and those of 3 requests that could not be counted` */
export function documentsText({ count, uncounted }: Pick<DocumentCount, "count" | "uncounted">): string {
  const counted = `${count} ${count === 1 ? "document" : "documents"}`;
  if (uncounted === 0) return counted;
  return `${counted} and those of ${uncounted} ${uncounted === 1 ? "request" : "requests"} that could not be counted`;
}
