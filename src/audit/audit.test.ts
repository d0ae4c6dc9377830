import { describe, expect, it } from "vitest";
import {
  appendTo,
  type Entry,
  type Fact,
  genesis,
  link,
  parseLines,
  segmentBytes,
  toLines,
  verifyChain,
} from "./index.ts";

const at = "2026-11-24T08:00:00Z";
const fact = (kind: string, detail = "{}"): Fact => ({ kind, subject: "EmbeddingService/shop", at, detail });
const chain = (length: number): Entry[] =>
  link(
    genesis,
    Array.from({ length }, (_, n) => fact(`Fact${n}`)),
  );

describe("link", () => {
  it("hashes the canonical JSON of an entry", () => {
    // printf '%s' '{"at":…,"detail":"{}","kind":"Adopted","prev":"sha256:000…","seq":1,"subject":…}' | sha256sum
    expect(link(genesis, [fact("Adopted")])[0]?.hash).toBe(
      "sha256:1f79e7ec53ff91906751fa2257ee04cfbc7c5cbe9facbbaefc6a0e6b2f18c787",
    );
  });

  it("goes on where the chain ends", () => {
    const whole = chain(5);
    const third = whole[2];
    if (!third) throw new Error("no third entry");
    const rest = link({ seq: third.seq, head: third.hash }, [fact("Fact3"), fact("Fact4")]);
    expect([...whole.slice(0, 3), ...rest]).toEqual(whole);
  });
});

describe("verifyChain", () => {
  it("proves a whole chain, and an empty one", () => {
    expect(verifyChain(chain(4))).toEqual({ kind: "Whole", entries: 4, head: chain(4)[3]?.hash });
    expect(verifyChain([])).toEqual({ kind: "Whole", entries: 0, head: genesis.head });
  });

  const changed = (index: number, change: Partial<Entry>): Entry[] =>
    chain(4).map((each, n) => (n === index ? { ...each, ...change } : each));
  it.each([
    ["a changed detail", changed(1, { detail: '{"weight":100}' }), 2, "hash"],
    ["a changed time", changed(0, { at: "2026-11-24T09:00:00Z" }), 1, "hash"],
    ["a removed entry", chain(4).toSpliced(2, 1), 3, "missing"],
    ["two entries swapped", chain(4).toSpliced(1, 2, ...chain(4).slice(1, 3).toReversed()), 2, "missing"],
    [
      "an entry forged with its hash",
      chain(4).toSpliced(1, 1, ...link({ seq: 1, head: genesis.head }, [fact("x")])),
      2,
      "linked",
    ],
    ["a chain that begins later", chain(4).slice(1), 1, "missing"],
  ])("names the first broken link: %s", (_, entries, seq, reason) => {
    const result = verifyChain(entries);
    expect(result).toMatchObject({ kind: "Broken", seq });
    expect(result.kind === "Broken" && result.reason).toContain(reason);
  });

  it("sees an end that was cut off, or forged, by the head", () => {
    const whole = chain(4);
    const end = { seq: 4, head: whole[3]?.hash ?? "" };
    expect(verifyChain(whole, end).kind).toBe("Whole");
    expect(verifyChain(whole.slice(0, 3), end)).toMatchObject({ kind: "Broken", seq: 4 });
    expect(verifyChain(whole, { seq: 3, head: whole[2]?.hash ?? "" })).toMatchObject({ kind: "Broken", seq: 4 });
    expect(verifyChain(whole, { ...end, head: genesis.head })).toMatchObject({ kind: "Broken", seq: 4 });
  });
});

describe("appendTo", () => {
  it("adds what is missing, once", () => {
    const [one, two, three] = chain(3);
    if (!one || !two || !three) throw new Error("no entries");
    const first = appendTo("", [one, two]);
    expect(first).toEqual({ kind: "Append", text: toLines([one, two]) });
    expect(appendTo(toLines([one, two]), [one, two])).toEqual({ kind: "There" });
    expect(appendTo(toLines([one, two]), [two, three])).toEqual({ kind: "Append", text: toLines([one, two, three]) });
  });

  it("adds the last line's end when somebody's editor took it off", () => {
    const [one, two] = chain(2);
    if (!one || !two) throw new Error("no entries");
    const text = toLines([one]).trimEnd();
    expect(appendTo(text, [two])).toEqual({ kind: "Append", text: toLines([one, two]) });
    expect(appendTo(text, [one])).toEqual({ kind: "There" });
  });

  it("begins another segment when there is no room", () => {
    const large = link(genesis, [fact("Large", "x".repeat(segmentBytes - 500))]);
    const next = link({ seq: 1, head: large[0]?.hash ?? "" }, [fact("Next", "y".repeat(500))]);
    expect(appendTo(toLines(large), next)).toEqual({ kind: "Next", left: next });
  });

  it("reads back what it wrote, and refuses what is no entry", () => {
    expect(parseLines(toLines(chain(3)))).toEqual(chain(3));
    expect(() => parseLines(`${toLines(chain(1))}nonsense\n`)).toThrow(/line 2/);
    expect(() => parseLines('{"seq":1}\n')).toThrow(/line 1/);
  });

  it.each([
    ["has a field more", (line: string) => line.replace("{", '{"approvedBy":"nobody",')],
    ["has a blank more", (line: string) => line.replace('"prev"', ' "prev"')],
    ["has a field twice", (line: string) => line.replace('"kind"', '"kind":"Other","kind"')],
  ])("refuses a line that %s, although its hash is right", (_, change) => {
    const lines = toLines(chain(2));
    expect(() => parseLines(change(lines))).toThrow(/^line 1 .* as it was written: /);
  });
});
