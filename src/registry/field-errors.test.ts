import { expect, it } from "vitest";
import { z } from "zod";
import { fieldErrors, insteadOf, inWords } from "./field-errors.ts";

const schema = z.object({
  name: z.string().min(2).max(4),
  kind: z.enum(["A", "B"]),
  sides: z.array(z.int().min(1)).min(1),
  share: z.number().gt(0).lt(1),
  digest: z.string().regex(/^[0-9a-f]+$/),
  fixed: z.literal(true),
  own: z.number({ error: "must be what it is" }),
});
const right = { name: "abc", kind: "A", sides: [1], share: 0.5, digest: "0a", fixed: true, own: 1 };

it.each<[object, string]>([
  [{ name: 5 }, "name: must be a text, not 5"],
  [{ name: undefined }, "name: must be a text, and is missing"],
  [{ name: "a" }, 'name: must be at least 2 characters long, not "a"'],
  [{ name: "abcde" }, 'name: must be at most 4 characters long, not "abcde"'],
  [{ kind: "C" }, 'kind: must be one of A, B, not "C"'],
  [{ sides: [] }, "sides: must be at least 1 long, not []"],
  [{ sides: [1, 0] }, "sides[1]: must be at least 1, not 0"],
  [{ sides: [1.5] }, "sides[0]: must be a whole number, not 1.5"],
  [{ share: 0 }, "share: must be more than 0, not 0"],
  [{ share: 1 }, "share: must be less than 1, not 1"],
  [{ share: Number.NaN }, "share: must be a finite number, not NaN"],
  [{ digest: "xyz" }, 'digest: must be like /^[0-9a-f]+$/, not "xyz"'],
  [{ fixed: false }, "fixed: must be true, not false"],
  [{ own: "1" }, "own: must be what it is"],
  [{ kind: 1, fixed: 2 }, "kind: must be one of A, B, not 1; fixed: must be true, not 2"],
])("tells of %j the field, what is allowed and what was given", (wrong, message) => {
  const { error } = schema.safeParse({ ...right, ...wrong }, { error: inWords });
  expect(error && fieldErrors(error)).toBe(message);
});

it("does not repeat a whole file", () => {
  expect(insteadOf("x".repeat(1000))).toHaveLength("not ".length + 61);
});
