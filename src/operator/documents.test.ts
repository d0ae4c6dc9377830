import { describe, expect, it } from "vitest";
import {
  type DocumentCount,
  documentsText,
  type EmbeddingServiceStatus,
  embeddingServiceStatus,
  mostDocumentCounts,
  reembedOf,
  reembedText,
} from "../api/index.ts";
import { countDocuments, type Gateway, spentReports, withDocuments } from "./documents.ts";

const start = Date.parse("2026-11-24T08:00:00Z");
const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString();
const now = (seconds: number): number => start + seconds * 1000;
const digest = (character: string): string => `sha256:${character.repeat(64)}`;
const [a, b] = [digest("a"), digest("b")];
const model = (of: string) => ({ name: "shop", digest: of, uri: `store://models/shop@${of}` });

const embedded = (of: string, count: number, from: number, to: number, uncounted = 0): DocumentCount => ({
  digest: of,
  count,
  uncounted,
  first: at(from),
  last: at(to),
});

/** A gateway that reports `versions` at a time, having begun to count at another. */
function gateway(
  name: string,
  seconds: number,
  versions: DocumentCount[],
  change: { exists?: boolean; since?: number } = {},
) {
  const { exists = true, since = 0 } = change;
  const documents = { since: at(since), versions };
  return {
    name,
    exists,
    report: { generation: 1, ready: true, pods: {}, documents, at: at(seconds) },
  } satisfies Gateway;
}

const active = (of: string, change: Partial<EmbeddingServiceStatus> = {}): EmbeddingServiceStatus => ({
  ...embeddingServiceStatus.parse({ activeVersion: model(of) }),
  ...change,
});
/** As it is read again from the API server. */
const taken = (status: EmbeddingServiceStatus, gateways: Gateway[], seconds: number): EmbeddingServiceStatus =>
  embeddingServiceStatus.parse({ ...status, ...countDocuments(status, gateways, now(seconds)) });

describe("counts of documents", () => {
  it("add up over gateways and reports, with the first and the last time", () => {
    const first = taken(active(a), [gateway("g-0", 15, [embedded(a, 5, 1, 9)]), gateway("g-1", 15, [])], 20);
    expect(first.documents).toEqual([{ ...embedded(a, 5, 1, 9), ended: false }]);
    const second = taken(
      first,
      [gateway("g-0", 30, [embedded(a, 8, 1, 29, 1)]), gateway("g-1", 30, [embedded(a, 2, 21, 22)])],
      31,
    );
    expect(second.documents).toEqual([{ ...embedded(a, 10, 1, 29, 1), ended: false }]);
  });

  it("take a report in once, an older one that a cache still holds not at all", () => {
    const old = [gateway("g-0", 15, [embedded(a, 5, 1, 9)])];
    const newer = [gateway("g-0", 30, [embedded(a, 8, 1, 29)])];
    const status = taken(taken(active(a), old, 20), newer, 31);
    expect(taken(status, newer, 60)).toEqual(status);
    expect(taken(status, old, 60)).toEqual(status);
    expect(status.documents[0]?.count).toBe(8);
  });

  it("do not lose what was counted before a gateway of the same name began at 0", () => {
    const status = taken(active(a), [gateway("g-0", 15, [embedded(a, 5, 1, 9)])], 20);
    const restarted = gateway("g-0", 45, [embedded(a, 7, 41, 44)], { since: 40 });
    expect(taken(status, [restarted], 46).documents[0]?.count).toBe(12);
  });

  it("take in what a gateway that is gone has left, and nothing twice when it was only cut off", () => {
    const status = taken(active(a), [gateway("g-0", 15, [embedded(a, 5, 1, 9)])], 20);
    const left = gateway("g-0", 30, [embedded(a, 6, 1, 29)], { exists: false });
    const gone = taken(taken(status, [left], 50), [gateway("g-1", 60, [embedded(a, 1, 55, 55)])], 81);
    expect(gone.documents[0]?.count).toBe(7);
    expect(taken(gone, [left, gateway("g-1", 60, [embedded(a, 1, 55, 55)])], 120).documents[0]?.count).toBe(7);
  });

  it("remember few of the gateways that are gone, and all that are there", () => {
    let status = active(a);
    const lasting = gateway("lasting", 1, [embedded(a, 1, 1, 1)]);
    for (let n = 0; n < 30; n++) status = taken(status, [lasting, gateway(`g-${n}`, n, [embedded(a, 1, n, n)])], n);
    expect(status.documents[0]?.count).toBe(31);
    expect(status.documentsTaken?.gateways).toHaveLength(10);
    expect(status.documentsTaken?.gateways.map(({ name }) => name)).toContain("lasting");
  });

  it("begin a new stretch when a version comes back; late ones of the one that was left go to its last", () => {
    const onA = taken(active(a), [gateway("g-0", 10, [embedded(a, 100, 1, 9)])], 10);
    const onB = taken(
      { ...onA, ...active(b, { documents: onA.documents }), documentsTaken: onA.documentsTaken },
      [gateway("g-0", 50, [embedded(a, 103, 1, 45), embedded(b, 20, 42, 49)])],
      50,
    );
    expect(onB.documents).toEqual([
      { ...embedded(a, 103, 1, 45), ended: true },
      { ...embedded(b, 20, 42, 49), ended: false },
    ]);
    const backOnA = taken(
      { ...onB, activeVersion: model(a) },
      [gateway("g-0", 90, [embedded(b, 21, 42, 71), embedded(a, 110, 1, 89)])],
      90,
    );
    expect(backOnA.documents).toEqual([
      { ...embedded(a, 103, 1, 45), ended: true },
      { ...embedded(b, 21, 42, 71), ended: true },
      // The gateway's first one was in the stretch before: this one cannot have begun before its last report.
      { ...embedded(a, 7, 50, 89), ended: false },
    ]);
  });

  it("count what a version embeds at the end of its promotion to the stretch that goes on", () => {
    const rollout = {
      name: "move",
      uid: "",
      phase: "Promoting",
      to: model(b),
      retraining: "",
      needsApproval: "",
      weight: 100,
    };
    const promoting = taken(active(a, { rollout }), [gateway("g-0", 10, [embedded(b, 2, 8, 9)])], 10);
    const { rollout: _, ...promoted } = { ...promoting, activeVersion: model(b) };
    const later = taken(promoted, [gateway("g-0", 40, [embedded(b, 5, 8, 39)])], 40);
    expect(later.documents).toEqual([{ ...embedded(b, 5, 8, 39), ended: false }]);
  });

  it("keep the newest stretches", () => {
    let status = active(a);
    for (let n = 0; n < mostDocumentCounts + 5; n++) {
      const of = n % 2 === 0 ? a : b;
      const count = embedded(of, 1, n, n);
      status = taken({ ...status, activeVersion: model(of) }, [gateway("g-0", n, [count], { since: n })], n);
    }
    expect(status.documents).toHaveLength(mostDocumentCounts);
    expect(status.documents.at(-1)?.first).toBe(at(mostDocumentCounts + 4));
  });
});

describe("a status is written", () => {
  const counted = taken(active(a), [gateway("g-0", 15, [embedded(a, 5, 1, 9)])], 20);
  const more = [gateway("g-0", 30, [embedded(a, 8, 1, 29)])];

  it.each([
    ["not within half a minute", counted, 49, 5],
    ["after it", counted, 50, 8],
    ["at once when a rollout is named", { ...counted, rollout: { name: "move", phase: "Pending" } }, 31, 8],
  ])("with new counts %s", (_, after, seconds, count) => {
    const status = withDocuments(counted, embeddingServiceStatus.parse(after), more, now(seconds));
    expect(status.documents[0]?.count).toBe(count);
  });

  it("not at all when nothing was embedded", () => {
    const idle = active(a);
    expect(withDocuments(idle, idle, [gateway("g-0", 15, [])], now(20))).toEqual(idle);
    expect(withDocuments(counted, counted, [gateway("g-0", 90, [embedded(a, 5, 1, 9)])], now(90))).toEqual(counted);
  });

  it("that the API server takes, however many reports lie there, and each is counted once in the end", () => {
    const counted = ["a", "b", "c"].map((each) => embedded(digest(each), 1000, 1, 2, 10));
    const wave = (name: string, exists: boolean) =>
      Array.from({ length: 21 }, (_, n) => gateway(`${name}-gateway-0123456789-${n}`, 5, counted, { exists }));
    let reports = [...wave("first", false), ...wave("second", true)];
    let status = active(a);
    for (const seconds of [100, 130, 160]) {
      status = embeddingServiceStatus.parse(taken(status, reports, seconds));
      const spent = new Set(spentReports(status, reports, now(seconds)));
      reports = reports.filter(({ name }) => !spent.has(name));
    }
    expect(reports.map(({ exists }) => exists)).toEqual(Array.from({ length: 21 }, () => true));
    expect(status.documents.map(({ count }) => count)).toEqual([42_000, 42_000, 42_000]);
  });
});

describe("a report is cleared", () => {
  const left = gateway("g-0", 15, [embedded(a, 5, 1, 9)], { exists: false });

  it.each([
    ["once its counts are saved and its pod is gone", taken(active(a), [left], 20), left, 76, ["g-0"]],
    ["not before they are saved", active(a), left, 76, []],
    ["not while it may be of a pod that is not seen yet", taken(active(a), [left], 20), left, 74, []],
    ["not of a pod that exists", taken(active(a), [left], 20), { ...left, exists: true }, 9999, []],
    ["when it cannot be read and has no pod", active(a), { ...left, report: null }, 20, ["g-0"]],
    ["when it counted nothing", active(a), gateway("g-0", 15, [], { exists: false }), 76, ["g-0"]],
  ] satisfies [string, EmbeddingServiceStatus, Gateway, number, string[]][])("%s", (_, status, one, seconds, names) => {
    expect(spentReports(status, [one], now(seconds))).toEqual(names);
  });
});

describe("what is to be embedded again", () => {
  const version = { version: "shop-b", digest: b };
  const stretches = [
    { ...embedded(b, 1, 1, 2), ended: true },
    { ...embedded(b, 1200, 10, 90, 3), ended: false },
  ];

  it("is what the version embedded since it became active", () => {
    const again = reembedOf(stretches, version);
    expect(again).toEqual({ ...embedded(b, 1200, 10, 90, 3), version: "shop-b" });
    expect(again && reembedText(again)).toBe(
      `embed again what shop-b embedded from ${at(10)} to ${at(90)}: 1200 documents and those of 3 requests that could not be counted`,
    );
  });

  it("is nothing of a version that embedded nothing since then", () => {
    expect(reembedOf(stretches.slice(0, 1), version)).toBeNull();
    expect(reembedOf(stretches, version, at(91))).toBeNull();
    expect(reembedOf(stretches, { version: "shop-a", digest: a })).toBeNull();
  });

  it("begins no earlier than it can have", () => {
    expect(reembedOf(stretches, version, at(20))).toMatchObject({ first: at(20), last: at(90) });
  });

  it("is told in words", () => {
    expect(documentsText({ count: 1, uncounted: 0 })).toBe("1 document");
    expect(documentsText({ count: 0, uncounted: 1 })).toBe(
      "0 documents and those of 1 request that could not be counted",
    );
  });
});
