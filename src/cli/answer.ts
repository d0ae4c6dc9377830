import { writeFileSync } from "node:fs";
import type { EvaluateResult, TrainResult } from "../api/index.ts";

/** Into the termination message, which the operator reads, and on standard output, for people. */
export function answer(result: TrainResult | EvaluateResult): void {
  const text = JSON.stringify(result);
  process.stdout.write(`${text}\n`);
  if (result.error) process.stderr.write(`evenkeel: ${result.error.reason}: ${result.error.message}\n`);
  const file = process.env["EVENKEEL_RESULT_FILE"];
  try {
    writeFileSync(file ?? "/dev/termination-log", text);
  } catch (error) {
    // By hand there is no such file; the result is in the store as well.
    if (file) process.stderr.write(`evenkeel: ${file}: ${String(error)}\n`);
  }
}
