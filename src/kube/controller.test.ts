import { describe, expect, it } from "vitest";
import { manualClock } from "./clock.ts";
import { Controller, type ControllerOptions, done, type Outcome, type Source } from "./controller.ts";
import { KubeError } from "./error.ts";
import { formatKey, type Key } from "./object.ts";

function make(reconcile: ControllerOptions["reconcile"], options: Partial<ControllerOptions> = {}) {
  const clock = manualClock();
  const outcomes: string[] = [];
  let enqueue: (key: Key) => void = () => {};
  const source: Source = {
    synced: () => true,
    start: (tell) => {
      enqueue = tell;
      return () => {
        enqueue = () => {};
      };
    },
  };
  const controller = new Controller({
    name: "test",
    reconcile,
    sources: [source],
    clock,
    queue: { backoff: { baseMs: 100, maxMs: 1_000, jitter: 0 } },
    onOutcome: (key, outcome) => outcomes.push(describeOutcome(key, outcome)),
    ...options,
  });
  const stop = new AbortController();
  const running = controller.run(stop.signal);
  return { clock, outcomes, controller, stop, running, add: (name: string) => enqueue({ namespace: "ns", name }) };
}

function describeOutcome(key: Key, outcome: Outcome): string {
  const { kind } = outcome;
  const detail = kind === "Retry" || kind === "Panic" ? ` ${outcome.failures}: ${outcome.error.message}` : "";
  return `${formatKey(key)} ${kind}${detail}`;
}

async function settled(): Promise<void> {
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
}

describe("Controller", () => {
  it("reconciles, and comes back when asked to", async () => {
    const { clock, outcomes, add } = make(async () => ({ after: 5_000 }));
    add("a");
    await settled();
    clock.advance(4_999);
    await settled();
    expect(outcomes).toEqual(["ns/a Done"]);
    clock.advance(1);
    await settled();
    expect(outcomes).toEqual(["ns/a Done", "ns/a Done"]);
  });

  it("retries with backoff until it goes well", async () => {
    let left = 2;
    const { clock, outcomes, add } = make(async () => {
      left -= 1;
      if (left >= 0) throw new Error("not yet");
      return done;
    });
    add("a");
    for (const ms of [0, 100, 200, 10_000]) {
      clock.advance(ms);
      await settled();
    }
    expect(outcomes).toEqual(["ns/a Retry 1: not yet", "ns/a Retry 2: not yet", "ns/a Done"]);
  });

  it("comes back no sooner than the server asked", async () => {
    const { clock, outcomes, add } = make(async () => {
      throw new KubeError("TooManyRequests", "slowly", { retryAfter: 7_000 });
    });
    add("a");
    await settled();
    clock.advance(6_999);
    await settled();
    expect(outcomes).toHaveLength(1);
    clock.advance(1);
    await settled();
    expect(outcomes).toHaveLength(2);
  });

  it("looks with growing pauses whether somebody has put right what stalls it", async () => {
    const { clock, outcomes, add } = make(async () => ({ backoff: outcomes.length < 3 }));
    add("a");
    const seen: number[] = [];
    for (const ms of [0, 100, 100, 100, 400, 10_000]) {
      clock.advance(ms);
      await settled();
      seen.push(outcomes.length);
    }
    expect(seen).toEqual([1, 2, 2, 3, 4, 4]);
    expect(outcomes).toEqual(["ns/a Stalled", "ns/a Stalled", "ns/a Stalled", "ns/a Done"]);
  });

  it("comes back when asked to, however long the pauses have grown", async () => {
    const { clock, outcomes, add } = make(async () => ({ after: 150, backoff: true }));
    add("a");
    for (const ms of [0, 100, 150, 150]) {
      clock.advance(ms);
      await settled();
    }
    expect(outcomes).toHaveLength(4);
  });

  it.each([
    ["a bug", () => Reflect.get(Object(null), "x").y],
    [
      "something thrown that is no error",
      () => {
        // What a careless dependency does.
        throw "text";
      },
    ],
  ])("contains %s, counts it as a panic and retries", async (_, fault) => {
    let calls = 0;
    const { clock, outcomes, add } = make((key) => {
      calls += 1;
      if (key.name === "bad") fault();
      return Promise.resolve(done);
    });
    add("bad");
    add("good");
    await settled();
    expect(outcomes.map((line) => line.split(":")[0])).toEqual(["ns/good Done", "ns/bad Panic 1"].toSorted());
    clock.advance(100);
    await settled();
    expect(calls).toBe(3);
  });

  it("aborts a reconcile at its deadline, and does not start the key again while it is still at work", async () => {
    let started = 0;
    let finish = () => {};
    const { clock, controller, outcomes, add } = make(
      async (_, signal) => {
        started += 1;
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        signal.throwIfAborted();
        return done;
      },
      { deadlineMs: 1_000 },
    );
    add("a");
    await settled();
    clock.advance(1_000);
    add("a");
    await settled();
    expect([started, controller.live()]).toEqual([1, true]);
    clock.advance(60_000);
    expect(controller.live()).toBe(false);
    finish();
    await settled();
    expect(outcomes).toEqual(["ns/a Retry 1: test ns/a: not reconciled within 1000 ms"]);
    expect(started).toBe(2);
    finish();
  });

  it("works on as many keys at once as it may, and on each once", async () => {
    let most = 0;
    const atWork = new Set<string>();
    const { add, controller } = make(
      async (key) => {
        expect(atWork.has(key.name)).toBe(false);
        atWork.add(key.name);
        most = Math.max(most, atWork.size);
        await settled();
        atWork.delete(key.name);
        return done;
      },
      { concurrency: 3 },
    );
    for (let round = 0; round < 5; round += 1) for (const name of ["a", "b", "c", "d", "e"]) add(name);
    while (controller.queue.depth > 0 || controller.queue.working.size > 0) await settled();
    expect(most).toBe(3);
  });

  it("waits while its caches are behind its own writes", async () => {
    let behind = true;
    const writes = { settled: () => !behind };
    const { clock, outcomes, add } = make(async () => done, { writes });
    add("a");
    await settled();
    clock.advance(20);
    await settled();
    behind = false;
    clock.advance(20);
    await settled();
    expect(outcomes).toEqual(["ns/a Behind", "ns/a Behind", "ns/a Done"]);
  });

  it("stops: what is under way is told and ends, what waits is left", async () => {
    const { outcomes, add, stop, running } = make(
      (_, signal) =>
        new Promise((__, reject) =>
          signal.addEventListener("abort", () => reject(new Error("gave up")), { once: true }),
        ),
      { concurrency: 1 },
    );
    add("a");
    add("b");
    await settled();
    stop.abort();
    await running;
    expect(outcomes).toEqual(["ns/a Aborted"]);
  });
});
