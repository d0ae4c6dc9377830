import { parse, validateDetailed } from "node-cron";

/** A cron expression of five fields in a time zone. */
export type Schedule = {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly (number | LastDay)[];
  readonly months: readonly number[];
  readonly daysOfWeek: readonly number[];
  readonly timeZone: string;
};

/** The month's. */
type LastDay = "L";

export class ScheduleError extends Error {
  override readonly name = "ScheduleError";
}

/**
 * node-cron reads the expression; when it is due is computed here, because node-cron gives no catch-up: an instant that
 * passed while no operator ran would be lost (decision 37).
 *
 * @throws {ScheduleError} naming the field that is wrong
 */
export function parseSchedule(expression: string, timeZone = "UTC"): Schedule {
  if (expression.trim().split(/\s+/).length !== 5) {
    throw new ScheduleError(`schedule "${expression}": five fields are needed, as in "0 3 1 * *"`);
  }
  const { valid, errors } = validateDetailed(expression);
  if (!valid) {
    const [error] = errors;
    throw new ScheduleError(`schedule "${expression}": ${error?.field ?? "it"}: ${error?.message ?? "is not valid"}`);
  }
  try {
    formatIn(timeZone);
  } catch {
    throw new ScheduleError(`timeZone "${timeZone}" is not an IANA time zone such as Europe/Berlin`);
  }
  const { minute, hour, dayOfMonth, month, dayOfWeek } = parse(expression);
  return {
    minutes: minute,
    hours: hour,
    daysOfMonth: dayOfMonth.map((day) => (day === "L" ? day : dayNumber(day, expression))),
    months: month,
    daysOfWeek: dayOfWeek.map((day) => dayNumber(day, expression)),
    timeZone,
  };
}

/** node-cron takes more than is computed here, such as 15W, L-2, 5L and 1#2: such a schedule would never be due. */
function dayNumber(day: number | string, expression: string): number {
  if (typeof day === "number") return day;
  const allowed = "days are numbers, names, ranges, steps, and L for the last day of a month";
  throw new ScheduleError(`schedule "${expression}": ${day} is not supported: ${allowed}`);
}

/** The last scheduled instant that is at most `now`, in ms; null when there was none for nine years. */
export function lastScheduled(schedule: Schedule, now: number): number | null {
  return nearest(schedule, now, -1);
}

/** The first scheduled instant after `now`, in ms; null when there is none for nine years. */
export function nextScheduled(schedule: Schedule, now: number): number | null {
  return nearest(schedule, now, 1);
}

const dayMs = 86_400_000;
/** 29 February may be eight years away, over a century without leap day. */
const longestDays = 9 * 366;

function nearest(schedule: Schedule, now: number, direction: 1 | -1): number | null {
  const local = localTime(now, schedule.timeZone);
  const today = Date.UTC(local.year, local.month - 1, local.day);
  const fits = (at: number): boolean => (direction === 1 ? at > now : at <= now);
  for (let days = 0; days <= longestDays; days += 1) {
    const date = new Date(today + direction * days * dayMs);
    if (!matchesDate(schedule, date)) continue;
    const instants = instantsOf(schedule, date).filter(fits);
    const found = direction === 1 ? instants[0] : instants.at(-1);
    if (found !== undefined) return found;
  }
  return null;
}

/** As crond: when both days are restricted, either will do. */
function matchesDate({ daysOfMonth, months, daysOfWeek }: Schedule, date: Date): boolean {
  if (!months.includes(date.getUTCMonth() + 1)) return false;
  const weekday = date.getUTCDay();
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const inMonth =
    daysOfMonth.includes(date.getUTCDate()) || (daysOfMonth.includes("L") && date.getUTCDate() === lastDay);
  const inWeek = daysOfWeek.includes(weekday) || (weekday === 0 && daysOfWeek.includes(7));
  const anyDay = daysOfMonth.length >= 31;
  const anyWeekday = new Set(daysOfWeek.map((day) => (day === 7 ? 0 : day))).size >= 7;
  if (anyDay) return inWeek;
  return anyWeekday ? inMonth : inMonth || inWeek;
}

function instantsOf({ hours, minutes, timeZone }: Schedule, date: Date): number[] {
  const found = hours.flatMap((hour) =>
    minutes.flatMap((minute) => {
      const at = instantOf(date.getTime() + hour * 3_600_000 + minute * 60_000, timeZone);
      return at === null ? [] : [at];
    }),
  );
  return found.toSorted((a, b) => a - b);
}

/**
 * The instant at which clocks of a time zone show a local time, given as if it were UTC. A time that the change to
 * summer time leaves out never comes (null); of two at the change back it is the first.
 */
function instantOf(shown: number, timeZone: string): number | null {
  const candidates = [shown - dayMs, shown, shown + dayMs].map((around) => shown - offsetAt(around, timeZone));
  const fitting = candidates.filter((at) => at + offsetAt(at, timeZone) === shown);
  return fitting.length === 0 ? null : Math.min(...fitting);
}

function offsetAt(at: number, timeZone: string): number {
  const { year, month, day, hour, minute } = localTime(at, timeZone);
  return Date.UTC(year, month - 1, day, hour, minute) - Math.floor(at / 60_000) * 60_000;
}

type LocalTime = { year: number; month: number; day: number; hour: number; minute: number };
const formats = new Map<string, Intl.DateTimeFormat>();

function localTime(at: number, timeZone: string): LocalTime {
  const parts = formatIn(timeZone).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((each) => each.type === type)?.value ?? Number.NaN);
  return { year: part("year"), month: part("month"), day: part("day"), hour: part("hour"), minute: part("minute") };
}

/** @throws {RangeError} when there is no such time zone */
function formatIn(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const part = "numeric";
  const parts = { year: part, month: part, day: part, hour: part, minute: part } as const;
  const format = new Intl.DateTimeFormat("en-u-hc-h23", { timeZone, ...parts });
  formats.set(timeZone, format);
  return format;
}
