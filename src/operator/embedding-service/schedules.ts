import type { EmbeddingService, EmbeddingServiceStatus, Trigger } from "../../api/index.ts";
import { instant, time } from "../instant.ts";
import { lastScheduled, nextScheduled, parseSchedule, ScheduleError } from "../schedule.ts";
import type { ScheduleState } from "./world.ts";

type Acted = EmbeddingServiceStatus["schedules"][number];

/** Triggers with a schedule, as they are now. What was due before a schedule was first seen is nobody's loss. */
export function scheduleStates({ spec, status }: EmbeddingService, now: number): ScheduleState[] {
  return spec.triggers.flatMap((trigger): ScheduleState[] => {
    if (trigger.schedule === undefined) return [];
    try {
      const schedule = parseSchedule(trigger.schedule, trigger.timeZone);
      const acted = actedOn(status, trigger);
      const last = lastScheduled(schedule, now);
      // Several that were missed are run once.
      const due = acted && last !== null && last > time(acted.lastScheduled) ? last : null;
      return [{ trigger, due, next: nextScheduled(schedule, now), problem: null }];
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      return [{ trigger, due: null, next: null, problem: error.message }];
    }
  });
}

/** The status's schedules: what was acted on by `recorded`, the trigger that starts a run, and since when each counts. */
export function schedulesAfter(
  { spec, status }: EmbeddingService,
  states: readonly ScheduleState[],
  recorded: string | null,
  now: number,
): Acted[] {
  return spec.triggers.flatMap((trigger): Acted[] => {
    if (trigger.schedule === undefined) return [];
    const due = states.find((state) => state.trigger.name === trigger.name)?.due ?? null;
    if (trigger.name === recorded && due !== null) return [{ ...identityOf(trigger), lastScheduled: instant(due) }];
    return [actedOn(status, trigger) ?? { ...identityOf(trigger), lastScheduled: instant(now) }];
  });
}

/** Another expression or zone under the same name is another schedule. */
function actedOn({ schedules }: EmbeddingServiceStatus, trigger: Trigger): Acted | undefined {
  const { name, expression } = identityOf(trigger);
  return schedules.find((entry) => entry.name === name && entry.expression === expression);
}

function identityOf({ name, schedule = "", timeZone = "UTC" }: Trigger): Pick<Acted, "name" | "expression"> {
  return { name, expression: `${schedule} ${timeZone}` };
}
