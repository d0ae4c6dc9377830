import { describe, expect, it } from "vitest";
import { type Alarm, driftAlarm, modelAlarm, noAlarm, raise, release } from "./alarm.ts";

const rested = { number: 4, active: false };
const active = { number: 4, active: true };

describe("alarms", () => {
  it.each<[string, Alarm, Alarm]>([
    ["the first", raise(noAlarm), { number: 1, active: true }],
    ["the next", raise(rested), { number: 5, active: true }],
    ["one that is active keeps its number", raise(active), active],
    ["released", release(active), rested],
    ["released twice", release(rested), rested],
    ["drift: a crossing raises", driftAlarm(rested, { crossed: true, usedUp: false }), { number: 5, active: true }],
    ["drift: a crossing again keeps", driftAlarm(active, { crossed: true, usedUp: false }), active],
    ["drift: a quiet block keeps", driftAlarm(active, { crossed: false, usedUp: false }), active],
    [
      "drift: a quiet pass through the reference releases",
      driftAlarm(active, { crossed: false, usedUp: true }),
      rested,
    ],
    ["model: a mismatch raises", modelAlarm(rested, { compared: 3, mismatched: 1 }), { number: 5, active: true }],
    ["model: all match again", modelAlarm(active, { compared: 3, mismatched: 0 }), rested],
    ["model: nothing compared keeps", modelAlarm(active, { compared: 0, mismatched: 0 }), active],
  ])("%s", (_, alarm, expected) => {
    expect(alarm).toEqual(expected);
  });
});
