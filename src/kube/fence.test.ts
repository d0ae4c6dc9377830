import { expect, it } from "vitest";
import { manualClock } from "./clock.ts";
import { LeaseFence } from "./fence.ts";

function extended(ms: number) {
  const clock = manualClock(1_000_000);
  const fence = new LeaseFence(clock);
  fence.extend({ monotonic: clock.monotonic(), wall: clock.now() }, ms);
  return { clock, fence };
}

it("does not hold before it was extended", () => {
  expect(new LeaseFence(manualClock(5_000)).holds()).toBe(false);
});

it("holds until its time is up", () => {
  const { clock, fence } = extended(1_000);
  clock.advance(999);
  expect([fence.holds(), fence.remaining()]).toEqual([true, 1]);
  clock.advance(1);
  expect([fence.holds(), fence.remaining()]).toEqual([false, 0]);
});

it("counts from when the renewal was begun, not from when its answer came", () => {
  const clock = manualClock();
  const fence = new LeaseFence(clock);
  const since = { monotonic: clock.monotonic(), wall: clock.now() };
  clock.advance(600);
  fence.extend(since, 1_000);
  expect(fence.remaining()).toBe(400);
});

it("ends when the machine was suspended: the wall clock went on, the monotonic one did not", () => {
  const { clock, fence } = extended(1_000);
  clock.step(5_000);
  expect(fence.holds()).toBe(false);
});

it("is not prolonged by a wall clock that is set back", () => {
  const { clock, fence } = extended(1_000);
  clock.step(-3_600_000);
  clock.advance(1_000);
  expect(fence.holds()).toBe(false);
});

it("ends at once when told to", () => {
  const { fence } = extended(1_000);
  fence.end();
  expect(fence.holds()).toBe(false);
});
