import { expect, it } from "vitest";
import { manualClock } from "./clock.ts";
import { TokenBucket } from "./token-bucket.ts";

async function settled(): Promise<void> {
  for (let n = 0; n < 5; n += 1) await Promise.resolve();
}

it("gives a burst at once, then one token at a time, in order", async () => {
  const clock = manualClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 2, clock });
  const served: number[] = [];
  for (let n = 0; n < 5; n += 1) void bucket.take().then(() => served.push(n));
  await settled();
  expect(served).toEqual([0, 1]);
  clock.advance(99);
  await settled();
  expect(served).toEqual([0, 1]);
  clock.advance(1);
  await settled();
  expect(served).toEqual([0, 1, 2]);
  clock.advance(200);
  await settled();
  expect(served).toEqual([0, 1, 2, 3, 4]);
  expect(clock.pending).toBe(0);
});

it("saves up no more than a burst", () => {
  const clock = manualClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 2, clock });
  clock.advance(60_000);
  expect([bucket.tryTake(), bucket.tryTake(), bucket.tryTake()]).toEqual([true, true, false]);
});

it("who gives up waiting takes no token and holds up nobody", async () => {
  const clock = manualClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 1, clock });
  await bucket.take();
  const gone = new AbortController();
  const first = bucket.take(gone.signal).catch(() => "gone");
  const second = bucket.take().then(() => "served");
  gone.abort();
  expect(await first).toBe("gone");
  clock.advance(100);
  expect(await second).toBe("served");
});

it("reserves on account", () => {
  const clock = manualClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 1, clock });
  expect([bucket.reserve(), bucket.reserve(), bucket.reserve()]).toEqual([0, 100, 200]);
  clock.advance(300);
  expect(bucket.tryTake()).toBe(true);
});

it.each([
  [0, 1],
  [1, 0],
  [Number.NaN, 1],
])("refuses %s a second with a burst of %s", (perSecond, burst) => {
  expect(() => new TokenBucket({ perSecond, burst })).toThrow(RangeError);
});
