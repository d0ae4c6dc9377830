import { describe, expect, it } from "vitest";
import { manualClock } from "./clock.ts";
import { TokenBucket } from "./token-bucket.ts";
import { WorkQueue } from "./work-queue.ts";

const backoff = { baseMs: 100, maxMs: 1_000, jitter: 0 };

function make() {
  const clock = manualClock();
  return { clock, queue: new WorkQueue({ clock, backoff }) };
}

async function drain(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = [];
  while (queue.depth > 0) {
    const key = await queue.next();
    if (key === null) break;
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe("WorkQueue", () => {
  it("gives each waiting key once, in the order in which they came", async () => {
    const { queue } = make();
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    expect(await drain(queue)).toEqual(["a", "b", "c"]);
  });

  it("never gives a key twice at once, and gives it again when it was added meanwhile", async () => {
    const { queue } = make();
    queue.add("a");
    expect(await queue.next()).toBe("a");
    for (let n = 0; n < 3; n += 1) queue.add("a");
    queue.add("b");
    expect(await queue.next()).toBe("b");
    expect(queue.depth).toBe(0);
    queue.done("a");
    expect(await drain(queue)).toEqual(["a"]);
    queue.done("b");
  });

  it("is fair: a key that comes again and again stands behind those who wait", async () => {
    const { queue } = make();
    for (const key of ["hot", "a", "b"]) queue.add(key);
    const order: string[] = [];
    for (let n = 0; n < 6; n += 1) {
      const key = (await queue.next()) ?? "";
      order.push(key);
      if (key === "hot") queue.add("hot");
      queue.done(key);
      if (n === 1) queue.add("c");
    }
    expect(order).toEqual(["hot", "a", "b", "hot", "c", "hot"]);
  });

  it("retries later and later, until it is forgotten", () => {
    const { clock, queue } = make();
    const delays: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      queue.retry("a");
      const before = clock.monotonic();
      while (queue.depth === 0) clock.advance(50);
      delays.push(clock.monotonic() - before);
      void queue.next();
      queue.done("a");
    }
    expect(delays).toEqual([100, 200, 400, 800, 1_000]);
    queue.forget("a");
    queue.retry("a");
    clock.advance(100);
    expect(queue.depth).toBe(1);
  });

  it("limits the rate of all retries together", () => {
    const clock = manualClock();
    const retryBucket = new TokenBucket({ perSecond: 1, burst: 1, clock });
    const queue = new WorkQueue({ clock, backoff, retryBucket });
    for (const key of ["a", "b", "c"]) queue.retry(key);
    const depths = [100, 900, 1_000].map((ms) => {
      clock.advance(ms);
      return queue.depth;
    });
    expect(depths).toEqual([1, 2, 3]);
  });

  it("of several times the earliest counts", () => {
    const { clock, queue } = make();
    queue.addAfter("a", 500);
    queue.addAfter("a", 100);
    queue.addAfter("a", 900);
    clock.advance(100);
    expect(queue.depth).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it("waits longer than a timer can", () => {
    const { queue, clock } = make();
    // The manual clock can; systemClock caps at 2^31 - 1 ms, after which the rest is waited for.
    queue.addAfter("a", 40 * 86_400_000);
    clock.advance(39 * 86_400_000);
    expect(queue.depth).toBe(0);
    clock.advance(86_400_000);
    expect(queue.depth).toBe(1);
  });

  it("hands a key to who waits for one", async () => {
    const { queue } = make();
    const first = queue.next();
    const second = queue.next();
    queue.add("a");
    queue.add("b");
    expect(await Promise.all([first, second])).toEqual(["a", "b"]);
  });

  it("shuts down: takes no more, ends those who wait, and waits for what is under way", async () => {
    const { clock, queue } = make();
    queue.add("a");
    queue.add("b");
    queue.addAfter("c", 10);
    expect(await queue.next()).toBe("a");
    const told: string[] = [];
    const shutdown = queue.shutdown().then(() => told.push("down"));
    expect(await queue.next()).toBeNull();
    queue.add("d");
    clock.advance(100);
    queue.add("a");
    expect([queue.depth, told]).toEqual([0, []]);
    queue.done("a");
    await shutdown;
    await queue.shutdown();
  });

  it("tells depth, waiting and working times and retries", async () => {
    const clock = manualClock();
    const told: string[] = [];
    const queue = new WorkQueue({
      clock,
      backoff,
      hooks: {
        depth: (keys) => told.push(`depth ${keys}`),
        waited: (ms) => told.push(`waited ${ms}`),
        worked: (ms) => told.push(`worked ${ms}`),
        retried: (key, failures) => told.push(`retried ${key} ${failures}`),
      },
    });
    queue.add("a");
    clock.advance(30);
    await queue.next();
    clock.advance(40);
    expect(queue.longestWork()).toBe(40);
    queue.retry("a");
    queue.done("a");
    expect(told).toEqual(["depth 1", "depth 0", "waited 30", "retried a 1", "worked 40"]);
  });

  it("holds its promises under any sequence of calls", async () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    const { clock, queue } = make();
    const working = new Set<string>();
    const owed = new Set<string>();
    const broken: string[] = [];
    for (let step = 0; step < 5_000; step += 1) {
      const key = `k${Math.floor(random() * 8)}`;
      const dice = random();
      if (dice < 0.5) {
        queue.add(key);
        owed.add(key);
      } else if (dice < 0.75 && queue.depth > 0) {
        const next = (await queue.next()) ?? "";
        if (working.has(next)) broken.push(`${next} twice at once`);
        if (!owed.delete(next)) broken.push(`${next} was not asked for`);
        working.add(next);
      } else if (working.has(key)) {
        working.delete(key);
        queue.done(key);
      }
      clock.advance(1);
    }
    for (const key of working) queue.done(key);
    expect(new Set(await drain(queue))).toEqual(owed);
    expect(broken).toEqual([]);
  });
});
