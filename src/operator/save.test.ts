import { describe, expect, it } from "vitest";
import { type AuditStatus, type DecisionRecord, mostDecisions, mostPending } from "../api/index.ts";
import { verifyChain } from "../audit/index.ts";
import { extend, takenOf } from "./audit-trail.ts";
import { withDecisions } from "./save.ts";

const now = Date.parse("2026-11-24T08:00:00Z");

describe("decisions on their way to the chain", () => {
  const said = (kind: string) => ({ kind, subject: "ModelRollout/move", facts: { kind } });
  const empty = { decided: 0, decisions: [] as DecisionRecord[] };
  const audit: AuditStatus = { seq: 0, head: "", segment: 0, pending: [], taken: [] };
  const of = (decisions: readonly DecisionRecord[], uid = "o") => ({
    kind: "ModelRollout",
    metadata: { name: "move", uid },
    status: { decisions },
  });

  it("are numbered, and dropped when they are taken", () => {
    const two = withDecisions(empty, [said("A"), said("B")], 0, now);
    expect(two?.decisions.map(({ n, kind }) => [n, kind])).toEqual([
      [1, "A"],
      [2, "B"],
    ]);
    const three = withDecisions(two ?? empty, [said("C")], 1, now);
    expect(three?.decisions.map(({ n }) => n)).toEqual([2, 3]);
    expect(withDecisions(three ?? empty, [], 3, now)).toMatchObject({ decided: 3, decisions: [] });
  });

  it("are never lost: there is no further one while there is no room", () => {
    let status = withDecisions(
      empty,
      Array.from({ length: mostDecisions }, () => said("A")),
      0,
      now,
    );
    expect(withDecisions(status ?? empty, [said("B")], 0, now)).toBeNull();
    status = withDecisions(status ?? empty, [said("B")], 5, now);
    expect(status?.decisions).toHaveLength(mostDecisions - 4);
    // Without a service nobody would ever take them.
    expect(
      withDecisions(
        { ...empty, decisions: status?.decisions ?? [], decided: mostDecisions + 1 },
        Array.from({ length: 9 }, () => said("C")),
        null,
        now,
      )?.decisions,
    ).toHaveLength(mostDecisions);
  });

  it("enter the chain once, however often it is extended", () => {
    const two = withDecisions(empty, [said("A"), said("B")], 0, now);
    const once = extend(audit, 0, [said("Own")], [of(two?.decisions ?? [])], now);
    expect(once.pending.map(({ kind }) => kind)).toEqual(["A", "B", "Own"]);
    expect(once.taken).toEqual([{ uid: "o", n: 2 }]);
    const twice = extend(once, 0, [], [of(two?.decisions ?? [])], now);
    expect(twice).toMatchObject({ seq: 3, head: once.head, pending: [], taken: [{ uid: "o", n: 2 }] });
    const dropped = extend(twice, 0, [said("More")], [of([])], now);
    expect(dropped.taken).toEqual([]);
    expect(verifyChain([...once.pending, ...dropped.pending], dropped).kind).toBe("Whole");
  });

  it("beyond what fits wait for the next time", () => {
    const many = withDecisions(
      empty,
      Array.from({ length: mostPending }, () => said("A")),
      0,
      now,
    );
    const first = extend(audit, 0, [said("Own")], [of(many?.decisions ?? [])], now);
    expect(first.pending).toHaveLength(mostPending);
    expect(first.taken).toEqual([{ uid: "o", n: mostPending - 1 }]);
    expect(extend(first, 0, [], [of(many?.decisions ?? [])], now).pending.map(({ seq }) => seq)).toEqual([
      mostPending + 1,
    ]);
  });

  it("of an object without a service have nobody to take them", () => {
    expect(takenOf(null, "o")).toBeNull();
  });
});
