import { z } from "zod";

/** What is wrong with data from outside, on one line: each field with what it must be. */
export function fieldErrors({ issues }: z.ZodError): string {
  return issues
    .map(({ path, message }) => (path.length > 0 ? `${z.core.toDotPath(path)}: ${message}` : message))
    .join("; ");
}

/**
 * What is allowed and what was given instead, in words of our own, as the option `error` of a parse. A schema's own words
 * come first.
 */
export const inWords: z.core.$ZodErrorMap = (issue) => {
  const allowed = allowedBy(issue);
  return allowed === null ? undefined : `must be ${allowed}, ${insteadOf(issue.input)}`;
};

/** The end of a message that says what is allowed. */
export function insteadOf(input: unknown): string {
  if (input === undefined) return "and is missing";
  const text = typeof input === "number" ? String(input) : JSON.stringify(input);
  return `not ${text.length > longest ? `${text.slice(0, longest)}…` : text}`;
}

const longest = 60;

function allowedBy(issue: z.core.$ZodRawIssue): string | null {
  switch (issue.code) {
    case "invalid_type":
      return kinds[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}${unitOf(issue.origin)}`;
    case "invalid_format":
      return issue.pattern === undefined ? issue.format : `like ${issue.pattern}`;
    default:
      return null;
  }
}

const kinds: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a finite number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function unitOf(origin: string): string {
  if (origin === "string") return " characters long";
  return origin === "array" ? " long" : "";
}
