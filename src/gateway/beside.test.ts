import { describe, expect, it } from "vitest";
import { Beside } from "./beside.ts";

type Call = { before: string | null; finish: (result: string | null) => void; fail: (error: unknown) => void };

function beside(everyMs = 0) {
  const calls: Call[] = [];
  const faults: unknown[] = [];
  const one = new Beside<string>({
    work: (before) => new Promise((finish, fail) => calls.push({ before, finish, fail })),
    everyMs,
    onFault: (error) => faults.push(error),
  });
  const end = async (how: (call: Call | undefined) => void) => {
    how(calls.at(-1));
    await one.settled();
  };
  return { one, calls, faults, end };
}

describe("Beside", () => {
  it("never waits: while the work is under way it gives what there was, and begins no other", async () => {
    const { one, calls, end } = beside();
    expect([one.newest("a"), one.newest("a"), one.newest("a")]).toEqual(["a", "a", "a"]);
    expect(calls).toHaveLength(1);
    await end((call) => call?.finish("b"));
    expect(one.newest("a")).toBe("b");
    expect(calls.map(({ before }) => before)).toEqual(["a", "b"]);
  });

  it("pauses after a result and after a fault, and keeps the last result", async () => {
    const { one, calls, faults, end } = beside(3_600_000);
    one.newest(null);
    await end((call) => call?.finish("a"));
    expect([one.newest(null), calls.length]).toEqual(["a", 1]);
    const failing = beside(3_600_000);
    failing.one.newest("kept");
    await failing.end((call) => call?.fail("the store is full"));
    expect([failing.one.newest("kept"), failing.calls.length]).toEqual(["kept", 1]);
    expect([faults, failing.faults]).toEqual([[], ["the store is full"]]);
  });

  it("begins again at once where there was nothing", async () => {
    const { one, calls, end } = beside(3_600_000);
    one.newest(null);
    await end((call) => call?.finish(null));
    one.newest(null);
    expect(calls).toHaveLength(2);
  });
});
