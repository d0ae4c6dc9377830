import { expect, it } from "vitest";
import { outlook } from "./outlook.ts";

const minute = 60_000;
const longest = 5 * minute;
const metric = "ErrorRate";

function said(samples: number | null, change: object = {}) {
  const check = { metric, minSample: 50 } as const;
  const plan = { kind: "Weight", length: minute } as const;
  return outlook({ check, plan, samples, window: minute, elapsed: 10 * minute, ...change }, longest);
}

it("says what the traffic gives in a hold, and what would give more", () => {
  expect(said(3)).toBe("at this traffic about 3 in a hold: lengthen hold or raise the weight or lower minSample");
  // Half of the time has been seen.
  expect(said(20, { elapsed: minute / 2 })).toMatch(/^at this traffic about 40 in a hold/);
});

it("says that a mirror gets all there is, and that no hold counts more than its last minutes", () => {
  expect(said(3, { plan: { kind: "Mirror", length: minute } })).toBe(
    "at this traffic about 3 in a hold: lengthen mirror or lower minSample",
  );
  expect(said(3, { plan: { kind: "Weight", length: 60 * minute }, window: longest })).toBe(
    "at this traffic about 3 in the 5 minutes of it that count: raise the weight or lower minSample",
  );
});

it.each([
  ["the step has just begun", 3, { elapsed: minute / 2 - 1 }],
  ["there will be enough by the end of the hold", 25, { elapsed: minute / 2 }],
  ["nobody counts", null, {}],
  ["it watches what was promoted", 3, { plan: { kind: "Watch", length: minute } }],
  ["pods are counted", 1, { check: { metric: "ProbeMatch", minSample: 2 } }],
])("says nothing while %s", (_, samples, change) => {
  expect(said(samples, change)).toBeNull();
});
