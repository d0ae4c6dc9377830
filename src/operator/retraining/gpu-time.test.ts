import { describe, expect, it } from "vitest";
import { gpuTime, isDue } from "./gpu-time.ts";

const none = { gpuSeconds: 0, pods: [] };
const a = (gpuSeconds: number) => ({ uid: "a", gpuSeconds });
const b = (gpuSeconds: number) => ({ uid: "b", gpuSeconds });

describe("GPU time of a Job", () => {
  it("is that of its pods, in whole seconds", () => {
    expect(gpuTime(none, [a(10.4), b(20)])).toEqual({ gpuSeconds: 30, pods: [a(10), b(20)] });
    expect(gpuTime(gpuTime(none, [a(10)]), [a(25)])).toEqual({ gpuSeconds: 25, pods: [a(25)] });
  });

  it("keeps what a drained and deleted pod had used", () => {
    const drained = gpuTime(gpuTime(none, [a(3600)]), [b(5)]);
    expect(drained).toEqual({ gpuSeconds: 3605, pods: [b(5)] });
    expect(gpuTime(drained, [b(100)]).gpuSeconds).toBe(3700);
    expect(gpuTime(drained, []).gpuSeconds).toBe(3605);
  });

  it("does not shrink when a clock went back", () => {
    expect(gpuTime(gpuTime(none, [a(50)]), [a(40)])).toEqual({ gpuSeconds: 50, pods: [a(50)] });
  });

  it("is saved each minute of it", () => {
    expect([59, 60].map((seconds) => isDue(none, gpuTime(none, [a(seconds)])))).toEqual([false, true]);
  });
});
