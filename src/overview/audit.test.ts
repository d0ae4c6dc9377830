import { describe, expect, it } from "vitest";
import type { EmbeddingService } from "../api/index.ts";
import { type Entry, genesis, link, toLines } from "../audit/index.ts";
import type { ConfigMap, Stored } from "../kube/index.ts";
import { serviceFixture } from "../operator/service.fixture.ts";
import { readAudit } from "./audit.ts";

const at = "2026-11-24T08:00:00Z";
const stored = { uid: "u", resourceVersion: "1", creationTimestamp: at };
const entries = link(
  genesis,
  Array.from({ length: 3 }, (_, n) => ({ kind: `Fact${n}`, subject: "EmbeddingService/shop", at, detail: "{}" })),
);

/** The service once it has decided so many entries, the last of which is on its way. */
function after(seq: number, uid = "u"): Stored<EmbeddingService> {
  const head = entries[seq - 1]?.hash;
  const { metadata, ...service } = serviceFixture({
    status: { audit: { seq, head, pending: entries.slice(seq - 1, seq) } },
  });
  return { ...service, metadata: { ...metadata, ...stored, uid } };
}

const segment = (written: readonly Entry[]): Stored<ConfigMap> => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "evenkeel-audit-u-0", namespace: "search", ...stored },
  data: { "entries.jsonl": toLines(written) },
});

/** An API server whose service has decided more with each look at it. */
function server(written: readonly Entry[], ...looks: (Stored<EmbeddingService> | null)[]) {
  const left = [...looks];
  return {
    list: async () => ({ items: [segment(written)] }),
    get: async (): Promise<Stored<EmbeddingService> | null> => left.shift() ?? null,
  };
}

describe("a service's audit", () => {
  it("is whole with what is on its way", async () => {
    const { verification, pending } = await readAudit(server(entries.slice(0, 1)), after(2));
    expect(verification).toMatchObject({ kind: "Whole", entries: 2 });
    expect(pending).toBe(1);
  });

  it("is whole when more was decided and written while it was read", async () => {
    const { verification } = await readAudit(server(entries, after(3)), after(1));
    expect(verification).toMatchObject({ kind: "Whole", entries: 3 });
  });

  it.each([
    ["has decided nothing since", after(1)],
    ["is gone", null],
    ["is another one of its name", after(3, "v")],
  ])("is broken when it goes on past the head of a service that %s", async (_, now) => {
    const { verification } = await readAudit(server(entries, now), after(1));
    expect(verification).toMatchObject({ kind: "Broken", seq: 2 });
  });

  it("is broken in its middle however much is decided meanwhile", async () => {
    const gap = entries.toSpliced(1, 1);
    const { verification } = await readAudit(server(gap, after(3), after(3)), after(1));
    expect(verification).toMatchObject({ kind: "Broken", seq: 2 });
  });
});
