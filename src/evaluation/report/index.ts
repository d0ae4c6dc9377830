import type { Context } from "../context.ts";
import { reportHtml } from "./html.ts";
import { drawPictures } from "./pictures.ts";
import { type EvaluationReport, evaluationReport } from "./schema.ts";

export { type EvaluationReport, evaluationReport } from "./schema.ts";

/** `report.json` for machines and `report.html` for people, for `Store.putFiles`. */
export function reportFiles(report: EvaluationReport, context: Context): Record<string, Uint8Array> {
  return {
    "report.json": Buffer.from(`${JSON.stringify(evaluationReport.parse(report), null, 2)}\n`),
    "report.html": Buffer.from(reportHtml(report, drawPictures(context))),
  };
}
