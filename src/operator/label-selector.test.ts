import { describe, expect, it } from "vitest";
import { type LabelSelector, selectorText, selects, serviceSelector, withoutSelected } from "./label-selector.ts";

const labels = { app: "embedder", track: "stable", team: "search" };
const expression = (key: string, operator: string, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 ? { values } : {}) }],
});

describe("a label selector", () => {
  it.each<[LabelSelector, boolean, string]>([
    [{}, true, ""],
    [{ matchLabels: { app: "embedder" } }, true, "app in (embedder)"],
    [{ matchLabels: { app: "other" } }, false, "app in (other)"],
    [{ matchLabels: { constructor: "x" } }, false, "constructor in (x)"],
    [expression("track", "In", "stable", "beta"), true, "track in (beta,stable)"],
    [expression("tier", "In", "stable"), false, "tier in (stable)"],
    [expression("track", "NotIn", "canary"), true, "track notin (canary)"],
    [expression("track", "NotIn", "stable"), false, "track notin (stable)"],
    [expression("tier", "NotIn", "stable"), true, "tier notin (stable)"],
    [expression("track", "Exists"), true, "track"],
    [expression("tier", "Exists"), false, "tier"],
    [expression("track", "DoesNotExist"), false, "!track"],
    [expression("tier", "DoesNotExist"), true, "!tier"],
    [
      { matchLabels: { app: "embedder" }, ...expression("track", "NotIn", "stable") },
      false,
      "app in (embedder),track notin (stable)",
    ],
  ])("%j selects: %s, as %j", (selector, selected, text) => {
    expect(selects(selector, labels)).toBe(selected);
    expect(selectorText(selector)).toBe(text);
  });

  it("is the same text for the same requirements", () => {
    const there = { matchLabels: { b: "2", a: "1" }, ...expression("c", "In", "x", "y") };
    const back = { matchLabels: { a: "1", b: "2" }, ...expression("c", "In", "y", "x") };
    expect(selectorText(there)).toBe(selectorText(back));
  });

  it("with an operator that nobody knows is not guessed at", () => {
    expect(() => selects(expression("a", "Like", "b"), labels)).toThrow(
      "label selector: operator Like is none of In, NotIn, Exists, DoesNotExist",
    );
  });
});

it("labels that a selector speaks of are taken off", () => {
  const selector = { matchLabels: { app: "embedder" }, ...expression("track", "NotIn", "canary") };
  expect(withoutSelected(labels, selector)).toEqual({ team: "search" });
});

describe("what a Service can select by", () => {
  it("is what the selector asks for, with the values that the pods have", () => {
    const selector = { matchLabels: { app: "embedder" }, ...expression("track", "In", "beta", "stable") };
    expect(serviceSelector(selector, labels)).toEqual({ app: "embedder", track: "stable" });
    expect(serviceSelector({ ...selector, ...expression("tier", "DoesNotExist") }, labels)).toEqual({
      app: "embedder",
    });
  });

  it("is all the pods' labels when the selector only rules labels out: without any it would lead nowhere", () => {
    expect(serviceSelector(expression("track", "NotIn", "canary"), labels)).toEqual(labels);
  });
});
