import { describe, expect, it } from "vitest";
import { type Condition, findCondition, isTrue, removeCondition, setCondition } from "./conditions.ts";

const ready: Condition = {
  type: "Ready",
  status: "False",
  reason: "Starting",
  message: "",
  observedGeneration: 1,
  lastTransitionTime: "t0",
};
const other: Condition = { ...ready, type: "Pinned" };

describe("setCondition", () => {
  it("adds one", () => {
    expect(
      setCondition(
        [other],
        { type: "Ready", status: "False", reason: "Starting", message: "", observedGeneration: 1 },
        "t0",
      ),
    ).toEqual([other, ready]);
  });

  it("moves the time only with the status", () => {
    const [later] = setCondition([ready], { ...ready, reason: "Waiting", observedGeneration: 2 }, "t1");
    expect(later).toEqual({ ...ready, reason: "Waiting", observedGeneration: 2, lastTransitionTime: "t0" });
    const [turned] = setCondition([ready], { ...ready, status: "True", reason: "Up" }, "t1");
    expect(turned?.lastTransitionTime).toBe("t1");
  });

  it("keeps the very object when nothing changed, and the order", () => {
    const same = setCondition([other, ready], { ...ready }, "t1");
    expect(same[0]).toBe(other);
    expect(same[1]).toBe(ready);
  });
});

it("removes and finds", () => {
  expect(removeCondition([ready, other], "Ready")).toEqual([other]);
  expect(findCondition([ready, other], "Pinned")).toBe(other);
  expect(findCondition(undefined, "Pinned")).toBeNull();
});

it.each([
  ["True", 2, 2, true],
  ["True", 1, 2, false],
  ["True", undefined, 2, true],
  ["False", 2, 2, false],
  ["Unknown", 2, 2, false],
] as const)(
  "isTrue of %s about generation %s, at generation %s: %s",
  (status, observedGeneration, generation, expected) => {
    expect(isTrue([{ ...ready, status, observedGeneration }], "Ready", generation)).toBe(expected);
  },
);
