import { describe, expect, it } from "vitest";
import { errorFromStatus } from "../kube/error.ts";
import { explain } from "./explain.ts";

describe("explain", () => {
  it("tells a cluster without the CRDs from an object that is not there", () => {
    expect(explain(errorFromStatus(404, "404 page not found\n", "list embeddingservices"))).toEqual({
      message: "list embeddingservices: 404 page not found (404); are evenkeel's CRDs installed in this cluster?",
      exitCode: 1,
    });
    const gone = { kind: "Status", message: 'modelrollouts "a" not found', reason: "NotFound" };
    expect(explain(errorFromStatus(404, gone, "patch ModelRollout x/a"))).toEqual({
      message: 'patch ModelRollout x/a: modelrollouts "a" not found (404)',
      exitCode: 3,
    });
  });

  it("an answer that does not come in time ends with 6", () => {
    expect(explain(errorFromStatus(504, "", "list embeddingservices")).exitCode).toBe(6);
  });
});
