import { describe, expect, it } from "vitest";
import { errorFromStatus, isKubeError, KubeError, type KubeErrorKind } from "./error.ts";

const status = (code: number, reason: string, causes: object[] = [], retryAfterSeconds?: number) => ({
  kind: "Status",
  code,
  reason,
  message: "so it is",
  details: { causes, retryAfterSeconds },
});

describe("errorFromStatus", () => {
  const cases: readonly (readonly [number, object | string, KubeErrorKind, boolean])[] = [
    [404, status(404, "NotFound"), "NotFound", false],
    [409, status(409, "AlreadyExists"), "AlreadyExists", false],
    [409, status(409, "Conflict"), "Conflict", true],
    [
      409,
      status(409, "Conflict", [{ reason: "FieldManagerConflict", message: 'conflict with "helm"' }]),
      "FieldConflict",
      false,
    ],
    [403, status(403, "Forbidden"), "Forbidden", false],
    [403, status(403, "Forbidden", [{ reason: "NamespaceTerminating" }]), "NamespaceTerminating", false],
    [401, status(401, "Unauthorized"), "Unauthorized", false],
    [400, status(400, "BadRequest"), "BadRequest", false],
    [413, status(413, "RequestEntityTooLarge"), "TooLarge", false],
    [422, status(422, "Invalid"), "Invalid", false],
    [429, status(429, "TooManyRequests"), "TooManyRequests", true],
    [410, status(410, "Expired"), "Expired", true],
    [410, status(410, "Gone"), "Expired", true],
    [504, status(504, "Timeout"), "Timeout", true],
    [504, status(504, "Timeout", [{ reason: "ResourceVersionTooLarge" }]), "Timeout", true],
    [500, status(500, "InternalError"), "Unavailable", true],
    [503, "<html>bad gateway</html>", "Unavailable", true],
    [502, "", "Unavailable", true],
    [418, status(418, ""), "Other", false],
    [0, status(410, "Expired"), "Expired", true],
  ];
  it.each(cases)("%i %j is %s, retryable: %s", (code, body, kind, retryable) => {
    const error = errorFromStatus(code, body, "get Pod a/b");
    expect([error.kind, error.retryable]).toEqual([kind, retryable]);
    expect(error.message).toMatch(/^get Pod a\/b: /);
  });

  it("names each other manager once, as quoted by the server", () => {
    const causes = ['conflict with "helm" using apps/v1', 'conflict with "helm"', 'conflict with "my \\"tool\\""'].map(
      (message) => ({ reason: "FieldManagerConflict", field: ".spec.replicas", message }),
    );
    expect(errorFromStatus(409, status(409, "Conflict", causes), "apply").fieldManagers).toEqual([
      "helm",
      'my \\"tool\\"',
    ]);
  });

  it.each([
    [undefined, "7", 7_000],
    [3, "7", 3_000],
    [undefined, undefined, null],
    [undefined, "Wed, 21 Oct 2026 07:28:00 GMT", null],
  ])("Retry-After: in the body %s, in the header %s", (inBody, header, expected) => {
    expect(errorFromStatus(429, status(429, "", [], inBody), "list", header).retryAfter).toBe(expected);
  });
});

it("isKubeError asks for any of several kinds", () => {
  const error = new KubeError("Conflict", "x");
  expect([
    isKubeError(error),
    isKubeError(error, "NotFound", "Conflict"),
    isKubeError(error, "NotFound"),
    isKubeError(new Error("x")),
  ]).toEqual([true, true, false, false]);
});
