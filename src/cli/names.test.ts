import { describe, expect, it } from "vitest";
import { namespaceName, objectName } from "./names.ts";

describe("objectName", () => {
  it.each(["products", "products-0123456789", "a.b-c.d", "9", "a".repeat(253)])("takes %s", (name) => {
    expect(objectName(name)).toBe(name);
  });

  it.each(["", " ", "Products", "a/b", "..", "a..b", "-a", "a-", "a.-b", "a\n", "a".repeat(254)])(
    "refuses %j",
    (name) => {
      expect(() => objectName(name)).toThrow("A name has lower-case letters");
    },
  );
});

it("a namespace has no dots, and at most 63 characters", () => {
  expect(namespaceName("a".repeat(63))).toBe("a".repeat(63));
  for (const name of ["", "a.b", "a".repeat(64)])
    expect(() => namespaceName(name)).toThrow("A namespace has lower-case letters");
});
