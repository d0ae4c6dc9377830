import { describe, expect, it } from "vitest";
import { serviceFixture } from "../service.fixture.ts";
import { causesOf } from "./causes.ts";
import { scheduleStates, schedulesAfter } from "./schedules.ts";

const now = Date.parse("2026-11-24T08:00:00Z");
const model = { name: "shop-a", digest: `sha256:${"a".repeat(64)}`, uri: "http://models/a" };
const daily = { name: "daily", schedule: "0 3 * * *", then: "Retrain" };
const expression = "0 3 * * * UTC";

const service = (schedules: object[], trigger: object = daily) =>
  serviceFixture({
    metadata: { creationTimestamp: "2026-11-01T00:00:00Z" },
    spec: {
      retraining: { threatModelRef: { name: "images" }, evaluationData: "None" },
      triggers: [trigger],
    },
    status: { activeVersion: model, schedules },
  });

const due = (...about: Parameters<typeof service>) => {
  const of = service(...about);
  return causesOf(of, [], scheduleStates(of, now), null, now);
};

describe("a schedule", () => {
  it("missed several times is run once, for the last instant", () => {
    const [cause, ...others] = due([{ name: "daily", expression, lastScheduled: "2026-11-20T03:00:00Z" }]);
    expect(others).toEqual([]);
    expect(cause).toMatchObject({ class: "Schedule", at: "2026-11-24T03:00:00.000Z" });
  });

  it.each([
    ["was acted on", daily, [{ name: "daily", expression, lastScheduled: "2026-11-24T03:00:00Z" }]],
    ["was never seen, on an old service", daily, []],
    [
      "has another expression than the one acted on",
      { ...daily, schedule: "0 4 * * *" },
      [{ name: "daily", expression, lastScheduled: "2026-11-20T03:00:00Z" }],
    ],
    [
      "has another zone than the one acted on",
      { ...daily, timeZone: "Asia/Tokyo" },
      [{ name: "daily", expression, lastScheduled: "2026-11-20T03:00:00Z" }],
    ],
  ])("that %s is not due", (_, trigger, schedules) => {
    expect(due(schedules, trigger)).toEqual([]);
  });

  it("that cannot be read says why", () => {
    expect(scheduleStates(service([], { ...daily, schedule: "99 3 * * *" }), now)).toMatchObject([
      { due: null, next: null, problem: expect.stringContaining("minute") },
    ]);
  });

  it("counts from when it was first seen, and then from what was acted on", () => {
    const after = (of: ReturnType<typeof service>, recorded: string | null) =>
      schedulesAfter(of, scheduleStates(of, now), recorded, now);
    const seen = [{ name: "daily", expression, lastScheduled: "2026-11-24T08:00:00.000Z" }];
    expect(after(service([]), null)).toEqual(seen);
    expect(after(service(seen), null)).toEqual(seen);
    const missed = service([{ name: "daily", expression, lastScheduled: "2026-11-20T03:00:00.000Z" }]);
    expect(after(missed, "daily")).toEqual([{ name: "daily", expression, lastScheduled: "2026-11-24T03:00:00.000Z" }]);
    expect(after(missed, "another")).toEqual(missed.status.schedules);
  });

  it("that was taken away is forgotten", () => {
    const of = service([{ name: "gone", expression, lastScheduled: "2026-11-20T03:00:00.000Z" }]);
    expect(schedulesAfter(of, [], null, now).map(({ name }) => name)).toEqual(["daily"]);
  });
});
