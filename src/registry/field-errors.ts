import type { z } from "zod";

/** What is wrong with data from outside, on one line: each field with what it must be. */
export function fieldErrors({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => (path.length > 0 ? `${path.join(".")}: ${message}` : message)).join("; ");
}
