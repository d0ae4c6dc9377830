import { z } from "zod";
import { digest, instant, objectName } from "./values.ts";

const counts = z.object({
  digest: digest.describe("Digest of the version."),
  count: z.int().min(0).describe("Documents that it embedded; a lower bound while there are uncounted requests."),
  uncounted: z.int().min(0).default(0).describe("Requests whose documents could not be counted."),
});

/** Documents that one version embedded for an index (decision 22). */
export const documentCount = counts.extend({
  first: instant.describe("When the first of them was answered."),
  last: instant.describe("When the last of them was answered."),
});
export type DocumentCount = z.infer<typeof documentCount>;

/** What was counted of a version in two parts, in whatever order they come. */
export function withMore(before: DocumentCount, added: DocumentCount): DocumentCount {
  return {
    digest: before.digest,
    count: before.count + added.count,
    uncounted: before.uncounted + added.uncounted,
    first: added.first < before.first ? added.first : before.first,
    last: added.last > before.last ? added.last : before.last,
  };
}

/**
 * A gateway counts so many versions at most, the ones that embedded last: it answers with two at a time, and those before
 * were taken in long ago.
 */
export const mostReportedVersions = 3;

/** What a gateway has counted; the numbers never go down. */
export const reportedDocuments = z.object({
  since: instant.describe("When it began to count: another since under the same name counts from 0."),
  versions: z.array(documentCount).max(mostReportedVersions),
});
export type ReportedDocuments = z.infer<typeof reportedDocuments>;

/** Stretches that a status remembers. */
export const mostDocumentCounts = 20;

export const documentCounts = z
  .array(
    documentCount
      .extend({
        ended: z
          .boolean()
          .default(false)
          .describe("Whether the version was left since. What it embeds once it comes back is an entry of its own."),
      })
      .describe("One stretch of time in which a version embedded documents."),
  )
  .max(mostDocumentCounts)
  .default([])
  .describe(
    "Documents embedded through the gateway, for each version and stretch of time that it was active; newest last.",
  );

/** Of 20 gateways, some that are being replaced, and some that are gone. */
export const mostTakenGateways = 32;

export const documentsTaken = z
  .object({
    at: instant.describe("When counts were last taken in."),
    gateways: z
      .array(
        z
          .object({
            name: z.string().max(63).describe("The gateway's pod."),
            since: instant.describe("When it began to count."),
            at: instant.describe("Time of the report that was taken in."),
            versions: z
              .array(counts.describe("The counts of one version."))
              .max(mostReportedVersions)
              .describe("Its counts as they were taken in."),
          })
          .describe("How far one gateway's counts were taken in."),
      )
      .max(mostTakenGateways)
      .describe("How far each gateway's counts were taken in."),
  })
  .describe("How far the gateways' counts of documents are in `documents`.");

/** Documents that are to be embedded again, as the version that embedded them was gone back from. */
export const reembed = documentCount.extend({ version: objectName.describe("Name of the ModelVersion.") });
export type Reembed = z.infer<typeof reembed>;
