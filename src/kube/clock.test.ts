import { expect, it } from "vitest";
import { manualClock, sleep } from "./clock.ts";

it("runs timers in their order, each at its time, those set meanwhile included", () => {
  const clock = manualClock(1_000);
  const ran: [string, number][] = [];
  clock.after(30, () => ran.push(["c", clock.now()]));
  clock.after(10, () => {
    ran.push(["a", clock.now()]);
    clock.after(10, () => ran.push(["b", clock.now()]));
  });
  const cancel = clock.after(5, () => ran.push(["never", clock.now()]));
  cancel();
  clock.advance(40);
  expect(ran).toEqual([
    ["a", 1_010],
    ["b", 1_020],
    ["c", 1_030],
  ]);
  expect([clock.now(), clock.monotonic()]).toEqual([1_040, 40]);
});

it("steps the wall clock alone", () => {
  const clock = manualClock(1_000);
  clock.step(-500);
  expect([clock.now(), clock.monotonic()]).toEqual([500, 0]);
});

it("sleep ends with its signal, and leaves no timer", async () => {
  const clock = manualClock();
  const stop = new AbortController();
  const sleeping = sleep(1_000, stop.signal, clock);
  stop.abort(new Error("enough"));
  await expect(sleeping).rejects.toThrow("enough");
  await expect(sleep(1_000, stop.signal, clock)).rejects.toThrow("enough");
  expect(clock.pending).toBe(0);
});
