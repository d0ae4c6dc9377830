import { createTask } from "node-cron";
import { describe, expect, it } from "vitest";
import { lastScheduled, nextScheduled, parseSchedule } from "./schedule.ts";

const at = (text: string): number => Date.parse(text);
const shown = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

describe("a schedule", () => {
  it.each([
    ["0 3 1 * *", "Europe/Berlin", "2026-11-24T08:00:00Z", "2026-11-01T02:00:00.000Z", "2026-12-01T02:00:00.000Z"],
    ["0 3 1 * *", "UTC", "2026-11-01T03:00:00Z", "2026-11-01T03:00:00.000Z", "2026-12-01T03:00:00.000Z"],
    ["30 2 * * *", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T01:30:00.000Z", "2026-03-30T00:30:00.000Z"],
    ["30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z", "2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"],
    ["0 0 29 2 *", "UTC", "2026-11-24T08:00:00Z", "2024-02-29T00:00:00.000Z", "2028-02-29T00:00:00.000Z"],
    ["0 9 * * 1", "America/New_York", "2026-11-24T08:00:00Z", "2026-11-23T14:00:00.000Z", "2026-11-30T14:00:00.000Z"],
    ["0 9 * * 7", "UTC", "2026-11-24T08:00:00Z", "2026-11-22T09:00:00.000Z", "2026-11-29T09:00:00.000Z"],
    ["0 0 13 * 5", "UTC", "2026-11-24T08:00:00Z", "2026-11-20T00:00:00.000Z", "2026-11-27T00:00:00.000Z"],
    ["0 0 L * *", "UTC", "2026-11-24T08:00:00Z", "2026-10-31T00:00:00.000Z", "2026-11-30T00:00:00.000Z"],
    ["0 0 L,15 2 *", "UTC", "2028-02-15T00:00:00Z", "2028-02-15T00:00:00.000Z", "2028-02-29T00:00:00.000Z"],
    ["0 0 * * SAT-mon", "UTC", "2026-11-24T08:00:00Z", "2026-11-23T00:00:00.000Z", "2026-11-28T00:00:00.000Z"],
    ["*/20 * * * *", "Asia/Kolkata", "2026-11-24T08:11:00Z", "2026-11-24T08:10:00.000Z", "2026-11-24T08:30:00.000Z"],
  ])("%s in %s at %s", (expression, zone, now, last, next) => {
    const schedule = parseSchedule(expression, zone);
    expect(shown(lastScheduled(schedule, at(now)))).toBe(last);
    expect(shown(nextScheduled(schedule, at(now)))).toBe(next);
  });

  it.each(["0 3 1 * *", "*/7 4-6 * * 1-5", "15 10 * 2,6 *", "0 0 * * 0"])(
    "agrees with node-cron on %s",
    (expression) => {
      const task = createTask(expression, () => {}, { timezone: "Europe/Berlin" });
      const expected = task.getNextRuns(5).map((date) => date.toISOString());
      void task.destroy();
      const schedule = parseSchedule(expression, "Europe/Berlin");
      const found: string[] = [];
      let from = Date.now();
      for (let n = 0; n < 5; n += 1) {
        from = nextScheduled(schedule, from) ?? Number.NaN;
        found.push(new Date(from).toISOString());
      }
      expect(found).toEqual(expected);
    },
  );

  it("is due again only after the instant that was acted on", () => {
    const schedule = parseSchedule("0 * * * *");
    for (let now = at("2026-11-24T08:00:00Z"); now < at("2026-11-24T09:00:00Z"); now += 61_000) {
      expect(shown(lastScheduled(schedule, now))).toBe("2026-11-24T08:00:00.000Z");
    }
  });

  it.each([
    ["61 * * * *", "UTC", /61/],
    ["* * * * * *", "UTC", /five fields/],
    ["every day", "UTC", /five fields/],
    ["0 3 * * *", "Europe/Atlantis", /IANA/],
    ["0 3 15W * *", "UTC", /15W is not supported/],
    ["0 3 LW * *", "UTC", /LW is not supported/],
    ["0 3 1,L-2 * *", "UTC", /L-2 is not supported/],
    ["0 3 * * 1,5L", "UTC", /5L is not supported/],
    ["0 3 * * FRIL", "UTC", /5L is not supported/],
    ["0 3 * * 1#2", "UTC", /1#2 is not supported/],
  ])("refuses %s in %s", (expression, zone, message) => {
    expect(() => parseSchedule(expression, zone)).toThrow(message);
  });
});
