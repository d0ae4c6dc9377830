import { expect, it } from "vitest";
import { storeProblem } from "./store-problem.ts";

const claim = (phase: string, mode = "ReadWriteMany") => ({ spec: { accessModes: [mode] }, status: { phase } });

it.each([
  ["bound", claim("Bound"), false, null],
  ["bound, for one node, where there is one", claim("Bound", "ReadWriteOnce"), true, null],
  ["missing", null, false, { kind: "Stalled", reason: "StoreMissing" }],
  ["for one node", claim("Bound", "ReadWriteOnce"), false, { kind: "Stalled", reason: "StoreNotShared" }],
  ["lost", claim("Lost"), false, { kind: "Stalled", reason: "StoreLost" }],
  ["unbound", claim("Pending"), false, { kind: "Wait", reason: "StoreUnbound" }],
  ["unbound, for one node", claim("Pending", "ReadWriteOnce"), true, { kind: "Wait", reason: "StoreUnbound" }],
] as const)("a claim that is %s", (_, found, oneNode, expected) => {
  const problem = storeProblem(found && { ...found, spec: { accessModes: [...found.spec.accessModes] } }, {
    claimName: "store",
    oneNode,
  });
  if (expected === null) expect(problem).toBeNull();
  else expect(problem).toEqual({ ...expected, message: expect.stringContaining("PersistentVolumeClaim store") });
});
