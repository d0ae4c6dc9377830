import { describe, expect, it } from "vitest";
import { gpuTime, isDue } from "./gpu-time.ts";

const none = { gpuSeconds: 0, pods: [] };
const madeAt = "2026-11-24T08:00:00Z";
const a = (gpuSeconds: number) => ({ uid: "a", madeAt, gpuSeconds });
const b = (gpuSeconds: number) => ({ uid: "b", madeAt, gpuSeconds });
const listed = ({ uid, gpuSeconds }: ReturnType<typeof a>) => ({ uid, gpuSeconds });

describe("GPU time of a Job", () => {
  it("is that of its pods, in whole seconds", () => {
    expect(gpuTime(none, [a(10.4), b(20)])).toEqual({ gpuSeconds: 30, pods: [listed(a(10)), listed(b(20))] });
    expect(gpuTime(gpuTime(none, [a(10)]), [a(25)])).toEqual({ gpuSeconds: 25, pods: [listed(a(25))] });
  });

  it("keeps what a drained and deleted pod had used", () => {
    const drained = gpuTime(gpuTime(none, [a(3600)]), [b(5)]);
    expect(drained).toEqual({ gpuSeconds: 3605, pods: [listed(b(5))] });
    expect(gpuTime(drained, [b(100)]).gpuSeconds).toBe(3700);
    expect(gpuTime(drained, []).gpuSeconds).toBe(3605);
  });

  it("does not shrink when a clock went back", () => {
    expect(gpuTime(gpuTime(none, [a(50)]), [a(40)])).toEqual({ gpuSeconds: 50, pods: [listed(a(50))] });
  });

  it("is saved each minute of it", () => {
    expect([59, 60].map((seconds) => isDue(none, gpuTime(none, [a(seconds)])))).toEqual([false, true]);
  });
});

describe("GPU time of a Job of more pods than its status lists", () => {
  /** Pods of 100 s each by their numbers, made a minute apart, newest first. */
  const pods = (...numbers: readonly number[]) =>
    numbers
      .toSorted((x, y) => y - x)
      .map((n) => ({ uid: `p${n}`, madeAt: new Date(Date.parse(madeAt) + n * 60_000).toISOString(), gpuSeconds: 100 }));
  const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);

  it("has that of all, even when they are first seen at once", () => {
    const all = gpuTime(none, pods(...upTo(23)));
    expect(all.gpuSeconds).toBe(2300);
    expect(all.pods.map(({ uid }) => uid)).toEqual(pods(...upTo(23).slice(3)).map(({ uid }) => uid));
  });

  it("counts none again that comes back into the list's reach when newer ones are deleted", () => {
    const all = gpuTime(gpuTime(none, pods(...upTo(20))), pods(...upTo(21)));
    expect(all.gpuSeconds).toBe(2100);
    expect(gpuTime(all, pods(...upTo(20))).gpuSeconds).toBe(2100);
    const few = gpuTime(all, pods(1));
    expect(few).toMatchObject({ gpuSeconds: 2100, pods: [] });
    expect(gpuTime(few, pods(1, 22)).gpuSeconds).toBe(2200);
  });
});
