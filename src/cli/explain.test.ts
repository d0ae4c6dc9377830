import { describe, expect, it } from "vitest";
import { NoCluster } from "../kube/config.ts";
import { errorFromStatus, KubeError } from "../kube/error.ts";
import { explain } from "./explain.ts";

describe("explain", () => {
  it("tells a cluster without the CRDs from an object that is not there", () => {
    expect(explain(errorFromStatus(404, "404 page not found\n", "list embeddingservices"))).toEqual({
      message: "list embeddingservices: 404 page not found (404); are evenkeel's CRDs installed in this cluster?",
      exitCode: 7,
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

  it("a cluster that is away, or none at all, ends with 7 and not as a run that failed", () => {
    const refused = new KubeError("Unavailable", "list embeddingservices: connect ECONNREFUSED 127.0.0.1:1");
    expect(explain(refused)).toEqual({
      message: `${refused.message}; is the cluster reachable? Look at --context and --kubeconfig`,
      exitCode: 7,
    });
    expect(explain(new NoCluster("no kubeconfig"))).toEqual({ message: "no kubeconfig", exitCode: 7 });
    expect(explain(new Error("no browser")).exitCode).toBe(1);
  });
});
