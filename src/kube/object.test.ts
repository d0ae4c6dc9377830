import { describe, expect, it } from "vitest";
import { compareResourceVersions, formatKey, parseKey } from "./object.ts";

describe("compareResourceVersions", () => {
  it.each([
    ["9", "10", -1],
    ["10", "9", 1],
    ["10", "10", 0],
    ["9007199254740993", "9007199254740992", 1],
    ["99999999999999999999", "100000000000000000000", -1],
  ])("%s and %s", (a, b, sign) => {
    expect(Math.sign(compareResourceVersions(a, b) ?? Number.NaN)).toBe(sign);
  });

  it.each([
    ["abc", "1"],
    ["1", ""],
    ["01", "1"],
    ["0", "1"],
  ])("of %s and %s the order is unknown", (a, b) => {
    expect(compareResourceVersions(a, b)).toBeNull();
  });

  it("equal opaque versions are equal", () => {
    expect(compareResourceVersions("x", "x")).toBe(0);
  });
});

it.each([{ namespace: "a", name: "b" }, { name: "node" }])("a key comes back from its text: %o", (key) => {
  expect(parseKey(formatKey(key))).toEqual(key);
});
