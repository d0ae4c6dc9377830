import { describe, expect, it } from "vitest";
import {
  type AuditStatus,
  type DecisionRecord,
  decisionReserve,
  mostDecisions,
  mostPending,
  pendingReserve,
} from "../api/index.ts";
import { verifyChain } from "../audit/index.ts";
import { extend, takenOf } from "./audit-trail.ts";
import { withDecisions } from "./save.ts";

const now = Date.parse("2026-11-24T08:00:00Z");

describe("decisions on their way to the chain", () => {
  const said = (kind: string) => ({ kind, subject: "ModelRollout/move", facts: { kind } });
  const empty = { decided: 0, decisions: [] as DecisionRecord[] };
  const written = { kind: "Written", segment: 0 } as const;
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
    const once = extend(audit, written, [said("Own")], [of(two?.decisions ?? [])], now);
    expect(once.pending.map(({ kind }) => kind)).toEqual(["A", "B", "Own"]);
    expect(once.taken).toEqual([{ uid: "o", n: 2 }]);
    const twice = extend(once, written, [], [of(two?.decisions ?? [])], now);
    expect(twice).toMatchObject({ seq: 3, head: once.head, pending: [], taken: [{ uid: "o", n: 2 }] });
    const dropped = extend(twice, written, [said("More")], [of([])], now);
    expect(dropped.taken).toEqual([]);
    expect(verifyChain([...once.pending, ...dropped.pending], dropped).kind).toBe("Whole");
  });

  it("of an object that cannot be read now are not taken in twice when it can be again", () => {
    const theirs = of(withDecisions(empty, [said("A")], 0, now)?.decisions ?? []);
    const once = extend(audit, written, [], [theirs], now);
    const unseen = extend(once, written, [], [], now, true);
    expect(extend(unseen, written, [], [theirs], now)).toMatchObject({ seq: 1, pending: [] });
  });

  it("beyond what fits wait for the next time, and leave room for what may not wait", () => {
    const many = withDecisions(
      empty,
      Array.from({ length: mostPending }, () => said("A")),
      0,
      now,
    );
    const first = extend(audit, written, [said("Own")], [of(many?.decisions ?? [])], now);
    const fitting = mostPending - pendingReserve;
    expect(first.pending).toHaveLength(fitting);
    expect(first.taken).toEqual([{ uid: "o", n: fitting - 1 }]);
    expect(extend(first, written, [], [of(many?.decisions ?? [])], now).pending[0]?.seq).toBe(fitting + 1);
  });

  it("wait where they are while the trail cannot be written; the service's own stay pending in their order", () => {
    const refused = { kind: "NotWritten", reason: "AuditNotWritten", message: "exceeded quota" } as const;
    const theirs = of(withDecisions(empty, [said("A")], 0, now)?.decisions ?? []);
    const before = extend({ ...audit, segment: 2 }, { ...written, segment: 2 }, [said("Own")], [], now);
    const stuck = extend(before, refused, [said("Protection")], [theirs], now);
    expect(stuck.pending.map(({ seq, kind }) => [seq, kind])).toEqual([
      [1, "Own"],
      [2, "Protection"],
    ]);
    expect(stuck).toMatchObject({ segment: 2, taken: [] });
    const after = extend(stuck, written, [], [theirs], now);
    expect(after.pending.map(({ seq, kind }) => [seq, kind])).toEqual([[3, "A"]]);
    expect(verifyChain([...stuck.pending, ...after.pending], after).kind).toBe("Whole");
  });

  it("of a rollout that goes forth leave room for its way back", () => {
    const most = mostDecisions - decisionReserve;
    const forth = withDecisions(
      empty,
      Array.from({ length: most }, () => said("Forth")),
      0,
      now,
      most,
    );
    expect(withDecisions(forth ?? empty, [said("Forth")], 0, now, most)).toBeNull();
    expect(
      withDecisions(forth ?? empty, [said("VersionPromoted"), said("RollbackStarted"), said("RolledBack")], 0, now)
        ?.decisions,
    ).toHaveLength(mostDecisions);
  });

  it("of an object without a service have nobody to take them", () => {
    expect(takenOf(null, "o")).toBeNull();
  });
});
