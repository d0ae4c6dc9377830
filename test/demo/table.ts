import { stripVTControlCharacters, styleText } from "node:util";
import type { DemoRecord, Quality } from "./record.ts";

/** The end of the demo for people: a line an act, and the figures before and after. */
export function table(record: DemoRecord): string {
  const rows = record.acts.map((act) => {
    const { onset, detection, promotion, end } = act.times;
    return [
      act.name,
      act.asExpected ? styleText("green", "as expected") : styleText("red", "NOT as expected"),
      seconds(detection, onset),
      seconds(promotion, onset),
      seconds(end, onset),
      String(act.falseAlarmsBeforeOnset),
      String(act.jobsCreated),
      `${act.auditEntries}${act.auditVerified ? " verified" : " NOT VERIFIED"}`,
    ];
  });
  const head = ["act", "", "detected after", "promoted after", "ended after", "false alarms", "jobs", "audit entries"];
  const qualities = record.acts.flatMap(({ name, quality }) =>
    (["before", "after"] as const).flatMap((when) =>
      quality[when] ? [qualityRow(`${name}, ${when}`, quality[when])] : [],
    ),
  );
  const facts = record.acts.flatMap(({ name, facts }) =>
    Object.entries(facts).map(([fact, value]) => `  ${name}: ${fact} = ${shown(value)}`),
  );
  return [
    align([head, ...rows]),
    "",
    align([
      ["kNN accuracy", "clean", "shifted", "under attack", "old-index recall", "images", "attacked"],
      ...qualities,
    ]),
    "",
    ...facts,
    "",
    `${record.passed ? "Every act ended as it should" : "Not every act ended as it should"}; ${record.seconds} s; backend ${record.backend}; images shared by any two sets: ${record.overlap}`,
  ].join("\n");
}

function qualityRow(name: string, { clean, shifted, robust, oldIndexRecall, samples, attacked }: Quality): string[] {
  const figures = [clean, shifted, robust, oldIndexRecall].map((value) => value.toFixed(3));
  return [name, ...figures, String(samples), String(attacked)];
}

function seconds(at: number | undefined, from: number | undefined): string {
  return at === undefined || from === undefined ? "—" : `${Math.round(at - from)} s`;
}

function shown(value: number | string | boolean): string {
  return typeof value === "number" ? String(Math.round(value * 1000) / 1000) : String(value);
}

/** Columns as wide as their widest cell; colours take no room. */
function align(rows: readonly (readonly string[])[]): string {
  const width = (cell: string): number => stripVTControlCharacters(cell).length;
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ""))));
  return rows
    .map((row) => `  ${row.map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - width(cell))).join("   ")}`.trimEnd())
    .join("\n");
}
