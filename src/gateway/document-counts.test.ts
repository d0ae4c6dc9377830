import { describe, expect, it } from "vitest";
import { mostReportedVersions, reportedDocuments } from "../api/index.ts";
import { DocumentCounts } from "./document-counts.ts";

const digest = (character: string): string => `sha256:${character.repeat(64)}`;
const start = Date.parse("2026-11-24T08:00:00Z");
const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString();

describe("a gateway's count of documents", () => {
  it("adds up by model, with the first and the last time in whatever order they come", () => {
    const counts = new DocumentCounts(start);
    counts.add(digest("a"), start + 2000, 5);
    counts.add(digest("b"), start + 3000, 1);
    counts.add(digest("a"), start + 1000, 2);
    counts.add(digest("a"), start + 4000, 3);
    expect(counts.report()).toEqual({
      since: at(0),
      versions: [
        { digest: digest("b"), count: 1, uncounted: 0, first: at(3), last: at(3) },
        { digest: digest("a"), count: 10, uncounted: 0, first: at(1), last: at(4) },
      ],
    });
  });

  it("counts requests whose documents it could not count, and their times", () => {
    const counts = new DocumentCounts(start);
    counts.add(digest("a"), start + 1000, null);
    counts.add(digest("a"), start + 2000, 4);
    counts.add(digest("a"), start + 3000, null);
    expect(counts.report().versions).toEqual([
      { digest: digest("a"), count: 4, uncounted: 2, first: at(1), last: at(3) },
    ]);
  });

  it("goes on from what the process before it reported", () => {
    const before = new DocumentCounts(start);
    before.add(digest("a"), start + 1000, 5);
    before.add(digest("b"), start + 1500, 1);
    const counts = new DocumentCounts(start + 60_000);
    counts.add(digest("a"), start + 61_000, 2);
    counts.resume(before.report());
    expect(counts.report()).toEqual({
      since: at(0),
      versions: [
        { digest: digest("a"), count: 7, uncounted: 0, first: at(1), last: at(61) },
        { digest: digest("b"), count: 1, uncounted: 0, first: at(1.5), last: at(1.5) },
      ],
    });
  });

  it("lets go of the model that has embedded nothing for the longest time", () => {
    const counts = new DocumentCounts(start);
    for (const model of ["a", "b", "c", "a", "d"]) counts.add(digest(model), start, 1);
    const { versions } = reportedDocuments.parse(counts.report());
    expect(versions).toHaveLength(mostReportedVersions);
    expect(versions.map((version) => version.digest)).toEqual([digest("c"), digest("a"), digest("d")]);
  });
});
