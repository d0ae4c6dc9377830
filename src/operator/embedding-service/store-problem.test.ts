import { expect, it } from "vitest";
import { storeProblem } from "./store-problem.ts";

const claim = (phase: string, mode = "ReadWriteMany") => ({ spec: { accessModes: [mode] }, status: { phase } });
const said = expect.stringMatching(/^PersistentVolumeClaim store /);

it.each([
  ["bound", claim("Bound"), false, null],
  ["bound, for one node, where there is one", claim("Bound", "ReadWriteOnce"), true, null],
  ["missing", null, false, { kind: "Stalled", reason: "StoreMissing", message: said }],
  [
    "for one node",
    claim("Bound", "ReadWriteOnce"),
    false,
    { kind: "Stalled", reason: "StoreNotShared", message: said },
  ],
  ["lost", claim("Lost"), false, { kind: "Stalled", reason: "StoreLost", message: said }],
  ["unbound", claim("Pending"), false, { kind: "Wait", reason: "StoreUnbound", message: said }],
  [
    "unbound, for one node",
    claim("Pending", "ReadWriteOnce"),
    true,
    { kind: "Wait", reason: "StoreUnbound", message: said },
  ],
])("a claim that is %s", (_, found, oneNode, expected) => {
  expect(storeProblem(found, { claimName: "store", oneNode })).toEqual(expected);
});
