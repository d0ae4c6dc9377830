import { z } from "zod";
import { rules } from "./rules.ts";
import { duration, entryName } from "./values.ts";

const times = "[-0-9*/,]+";
const dayOfMonth = "(L|[-0-9*/]+)(,(L|[-0-9*/]+))*";
const weekday = "([0-9*]+|[A-Za-z]{3}([A-Za-z]*[dD][aA][yY])?)";
/** What the operator computes itself (src/operator/schedule.ts), and so none of cron's rarer forms, such as 15W or FRIL. */
const cron = new RegExp(`^${times} ${times} ${dayOfMonth} [-0-9A-Za-z*/,]+ ${weekday}([-/,]${weekday})*$`);

export const trigger = z
  .object({
    name: entryName.describe("A name for the trigger."),
    signal: z
      .enum(["RepresentationDrift", "AdversarialAnomaly", "ShiftFromBaseline", "ModelChanged"])
      .optional()
      .describe("A built-in signal. One of signal, promql and schedule is set."),
    promql: z.string().min(1).max(2048).optional().describe("A query of your own that gives one number."),
    above: z.number().optional().describe("promql: fires above this."),
    below: z.number().optional().describe("promql: fires below this."),
    for: duration.default("0s").describe("How long it must hold, in observed time."),
    schedule: z
      .string()
      .regex(cron, "must be a cron expression of five fields, without W, # or the last weekday of a month")
      .min(9)
      .max(64)
      .optional()
      .describe("A cron expression of five fields: minute, hour, day of month (L: the last), month, day of week."),
    timeZone: z
      .string()
      .regex(/^[A-Za-z0-9_+/-]+$/, "must be an IANA time zone such as Europe/Berlin")
      .max(64)
      .optional()
      .describe("IANA time zone of the schedule; UTC when absent."),
    then: z
      .enum(["Retrain", "Protect", "ProtectAndRetrain", "Report"])
      .describe("What it sets off. Report only shows in status, events and metrics."),
  })
  .describe("Something that sets off protection or retraining.")
  .meta(
    rules(
      {
        rule: "[has(self.signal), has(self.promql), has(self.schedule)].filter(set, set).size() == 1",
        message: "exactly one of signal, promql and schedule must be set",
        fieldPath: ".signal",
      },
      {
        rule: "!has(self.promql) || has(self.above) || has(self.below)",
        message: "promql needs above or below: what it is compared with",
        fieldPath: ".above",
        reason: "FieldValueRequired",
      },
      {
        rule: "has(self.promql) || !(has(self.above) || has(self.below))",
        message: "above and below are only for promql: a built-in signal has its own threshold",
        fieldPath: ".above",
        reason: "FieldValueForbidden",
      },
      {
        rule: "!has(self.above) || !has(self.below) || self.below <= self.above",
        message: "below must not be larger than above: every value would fire",
        fieldPath: ".below",
      },
      {
        rule: "!has(self.timeZone) || has(self.schedule)",
        message: "timeZone is only for schedule",
        fieldPath: ".timeZone",
        reason: "FieldValueForbidden",
      },
      {
        rule: "!has(self.schedule) || self.then == 'Retrain'",
        message: "then must be Retrain for a schedule",
        fieldPath: ".then",
      },
    ),
  );
export type Trigger = z.infer<typeof trigger>;
