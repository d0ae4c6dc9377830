import { describe, expect, it } from "vitest";
import { faultyTurn } from "../../test/harness/refusing-turn.ts";
import type { AuditStatus, EmbeddingService } from "../api/index.ts";
import { genesis, link, parseLines, segmentBytes, verifyChain } from "../audit/index.ts";
import { type ConfigMap, KubeError, type KubeErrorKind, type Stored } from "../kube/index.ts";
import { extend, type Flushed, flush, flushWhilePossible } from "./audit-trail.ts";
import { serviceFixture } from "./service.fixture.ts";

const stored = { uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-24T07:00:00Z" };
const pending = link(genesis, [
  { kind: "VersionAdopted", subject: "ModelVersion/a", at: "2026-11-24T08:00:00Z", detail: "{}" },
]);
const parsed = serviceFixture({ status: { audit: { seq: 1, head: pending[0]?.hash, pending } } });
const service = { ...parsed, metadata: { ...parsed.metadata, ...stored } };

const segment = (text: string): Stored<ConfigMap> => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "evenkeel-audit-u-0", namespace: "search", ...stored },
  data: { "entries.jsonl": text },
});

/** An API server that has this segment and fails every write so. */
function turn(existing: Stored<ConfigMap> | null, kind: KubeErrorKind) {
  const fail = async (): Promise<never> => {
    throw new KubeError(kind, `replace ConfigMap search/evenkeel-audit-u-0: so it is (${kind})`);
  };
  const get = async (): Promise<Stored<ConfigMap> | null> => existing;
  return { kube: { get, create: fail, replace: fail }, signal: new AbortController().signal };
}

describe("a segment that cannot be written", () => {
  it.each(["Forbidden", "Invalid", "BadRequest", "TooLarge", "Unavailable", "Timeout", "TooManyRequests"] as const)(
    "is said: %s",
    async (kind) => {
      for (const existing of [null, segment("")]) {
        expect(await flush(turn(existing, kind), service)).toEqual({
          kind: "NotWritten",
          reason: "AuditNotWritten",
          message: expect.stringMatching(`^entries up to 1 are not in the audit trail.*so it is \\(${kind}\\)$`),
        });
      }
    },
  );

  it("is left when somebody else was quicker, or the turn is over", async () => {
    for (const kind of ["Conflict", "AlreadyExists", "Fenced", "Aborted"] as const) {
      await expect(flush(turn(null, kind), service)).rejects.toThrow(kind);
    }
  });

  it("goes with a namespace that is being deleted, and only then", async () => {
    const terminating = turn(null, "NamespaceTerminating");
    await expect(flush(terminating, service)).rejects.toThrow("NamespaceTerminating");
    expect(await flushWhilePossible(terminating, service)).toEqual({ kind: "Written", segment: 0 });
    expect(await flushWhilePossible(turn(null, "Invalid"), service)).toMatchObject({ kind: "NotWritten" });
  });
});

describe("a segment that was written, and nobody heard of it", () => {
  it.each([
    ["has each entry once", 10],
    ["has each entry once, when more was decided since than it has room for", segmentBytes - 1000],
  ])("%s", async (_, size) => {
    const { turn: losing, made, stop } = await faultyTurn("Lost", "configmaps");
    const decided = (audit: AuditStatus, flushed: Flushed, length: number): Stored<EmbeddingService> => {
      const said = [{ kind: "A", subject: "s", facts: { much: "x".repeat(length) } }];
      return { ...service, status: { ...service.status, audit: extend(audit, flushed, said, [], 0) } };
    };
    try {
      const first = decided(serviceFixture().status.audit, { kind: "Written", segment: 0 }, size);
      const unheard = await flush(losing, first);
      expect(unheard).toMatchObject({ kind: "NotWritten", reason: "AuditNotWritten" });
      const second = decided(first.status.audit, unheard, 1000);
      expect(second.status.audit.pending.map(({ seq }) => seq)).toEqual([1, 2]);
      expect((await flush(losing, second)).kind).toBe("NotWritten");
      expect((await flush(losing, second)).kind).toBe("Written");
      const texts = [...made.values()].map(({ data }) => data?.["entries.jsonl"] ?? "");
      const { seq, head } = second.status.audit;
      expect(verifyChain(parseLines(texts.join("")), { seq, head })).toEqual({ kind: "Whole", entries: 2, head });
    } finally {
      await stop();
    }
  });
});

it("a segment that somebody has written into is said, and not written over", async () => {
  expect(await flush(turn(segment("what I think of it\n"), "Other"), service)).toMatchObject({
    reason: "AuditNotWritten",
    message: expect.stringContaining("is not an audit entry"),
  });
});

it("nothing pending asks nothing of the server", async () => {
  const quiet = {
    ...service,
    status: { ...service.status, audit: { ...service.status.audit, pending: [], segment: 3 } },
  };
  expect(await flush(turn(null, "Other"), quiet)).toEqual({ kind: "Written", segment: 3 });
});
