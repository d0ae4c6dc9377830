import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { z } from "zod";
import { exitCodes, type TrainRequest, type TrainResult, trainRequest } from "../api/index.ts";
import { openStore } from "../registry/index.ts";
import { Interrupted, progressReporter, runTraining } from "../training/index.ts";
import { readRequest } from "./read-request.ts";

/** As a shell reports the end by SIGTERM: not one of the codes that forbid another try. */
const interrupted = 143;

export const command = new Command("train")
  .description(
    "One training, as the container contract tells it: the request is in EVENKEEL_RUN, the store in EVENKEEL_STORE.",
  )
  .option("--run <file>", "read the request from a file instead of EVENKEEL_RUN")
  .option("--store <folder>", "the store's folder (EVENKEEL_STORE)", process.env["EVENKEEL_STORE"])
  .addHelpText(
    "after",
    "\nExit codes: 0 done, 10 bad data, 11 bad model, 12 bad request; anything else may be tried again.",
  )
  .action(async ({ run, store }: { run?: string; store?: string }) => {
    process.exitCode = await main(run, store);
  });

async function main(file: string | undefined, store: string | undefined): Promise<number> {
  let request: TrainRequest;
  try {
    const asked = await readRequest(file);
    if (!store) throw new Error("EVENKEEL_STORE is not set: give the store's folder there or by --store");
    request = trainRequest.parse(asked);
  } catch (error) {
    const message =
      error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error);
    answer({ kind: "Train", error: { reason: "BadRequest", message: message.slice(0, 1500) } });
    return exitCodes.badRequest;
  }
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  const say = (line: string): void => console.error(`evenkeel: ${line}`);
  try {
    const { result, exitCode } = await runTraining(request, openStore(store ?? ""), {
      onProgress: progressReporter(process.stderr),
      say,
      signal: stop.signal,
    });
    answer(result);
    return exitCode;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = error instanceof Interrupted ? "Interrupted" : "Failed";
    answer({ kind: "Train", error: { reason, message: message.slice(0, 1500) } });
    return error instanceof Interrupted ? interrupted : exitCodes.failed;
  }
}

/** Into the termination message, which the operator reads, and on standard output, for people. */
function answer(result: TrainResult): void {
  const text = JSON.stringify(result);
  console.log(text);
  if (result.error) console.error(`evenkeel: ${result.error.reason}: ${result.error.message}`);
  const file = process.env["EVENKEEL_RESULT_FILE"] ?? "/dev/termination-log";
  try {
    writeFileSync(file, text);
  } catch (error) {
    // By hand there is no such file; the result is in the store as well.
    if (process.env["EVENKEEL_RESULT_FILE"]) console.error(`evenkeel: ${file}: ${String(error)}`);
  }
}
