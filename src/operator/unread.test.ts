import { expect, it } from "vitest";
import { KubeError } from "../kube/index.ts";
import { unread } from "./unread.ts";

it.each(["Forbidden", "Unavailable", "Timeout", "BadRequest"] as const)(
  "a read that fails with %s can be done without",
  (kind) => {
    const error = new KubeError(kind, "no right to");
    expect(unread(error)).toBe(error);
  },
);

it.each([new KubeError("Aborted", "over"), new KubeError("Fenced", "over"), new TypeError("a fault")])(
  "%s ends the turn",
  (error) => {
    expect(() => unread(error)).toThrow(error);
  },
);
