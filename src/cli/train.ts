import { Command, Option } from "commander";
import { z } from "zod";
import { exitCodes, type TrainRequest, trainRequest } from "../api/index.ts";
import { DatasetError, fieldErrors, inWords, openStore } from "../registry/index.ts";
import { firstModelArchitectures, Interrupted, runTraining } from "../training/index.ts";
import { answer } from "./answer.ts";
import { CommandError } from "./command-error.ts";
import { type FirstModelRequest, firstModel } from "./first-model.ts";
import { seedNumber, wholeNumber } from "./numbers.ts";
import { readRequest } from "./read-request.ts";
import { trainingProgress } from "./training-progress.ts";

/** As a shell reports the end by SIGTERM: not one of the codes that forbid another try. */
const interrupted = 143;

type Options = Omit<FirstModelRequest, "dataset"> & { readonly run?: string; readonly dataset?: string };

const examples = `
Examples:
  evenkeel train --dataset store://data/shop@sha256:… --name models/products --threat-model threats.yaml --store /mnt/store

A first model is a small network trained from labels, which sees through the benign families of the threat model. It is where a
service without a model begins; retraining makes it robust. The same call gives the same model.

A training leaves a checkpoint in the store at every twentieth of its steps. Interrupted, whether by Ctrl-C, by SIGTERM or by
the loss of its machine, it goes on from there when the same call is made again, to the same model as if it had never stopped.

Exit codes: 0 done, 2 wrong usage, 3 no such dataset, 10 bad data, 11 bad model, 12 bad request, 143 interrupted; that and
anything else may be tried again.`;

export const command = new Command("train")
  .summary("one training, told by EVENKEEL_RUN; a first model, by hand")
  .description(
    "One training, as the container contract tells it: the request is in EVENKEEL_RUN, the store in EVENKEEL_STORE. " +
      "By hand, a first model: --dataset URI --name models/NAME; its URI is printed.",
  )
  .option("--run <file>", "read the request from a file instead of EVENKEEL_RUN")
  .option("--store <folder>", "the store's folder (EVENKEEL_STORE)", process.env["EVENKEEL_STORE"])
  .option("--dataset <uri>", "by hand: the labelled dataset, store://NAME@sha256:DIGEST")
  .option("--name <name>", "by hand: the model's name in the store, models/NAME")
  .option("--threat-model <file>", "by hand: a ThreatModel, or its spec, as YAML or JSON")
  .addOption(
    new Option(
      "--architecture <name>",
      "by hand: a network of residual layers for images and vectors, or a vision transformer for square images",
    ).choices(firstModelArchitectures),
  )
  .option("--steps <n>", "by hand: training steps (default: 600)", wholeNumber)
  .option("--seed <n>", "by hand: seed of everything random (default: 1)", seedNumber)
  .option("--restart", "by hand: trains from the first step, not from the checkpoint or the result of the same call")
  .addHelpText("after", examples)
  .action(async ({ run, dataset, store, ...options }: Options) => {
    if (dataset !== undefined) {
      process.exitCode = await byHand({ dataset, store, ...options });
      return;
    }
    // Only what is trained by hand has these.
    if (Object.values(options).some((value) => value !== undefined)) {
      throw new CommandError("usage", "no dataset to train on: give --dataset store://NAME@sha256:DIGEST");
    }
    process.exitCode = await main(run, store);
  });

async function byHand(request: FirstModelRequest): Promise<number> {
  try {
    await firstModel(request, stopSignal());
    return exitCodes.done;
  } catch (error) {
    if (error instanceof Interrupted) {
      console.error(`evenkeel: ${error.message}: the same call goes on from its last checkpoint`);
      return interrupted;
    }
    if (!(error instanceof DatasetError)) throw error;
    console.error(`evenkeel: ${error.reason}: ${error.message}`);
    return exitCodes.badData;
  }
}

async function main(file: string | undefined, store: string | undefined): Promise<number> {
  let request: TrainRequest;
  try {
    const asked = await readRequest(file, "--dataset URI --name models/NAME");
    if (!store) throw new Error("EVENKEEL_STORE is not set: give the store's folder there or by --store");
    request = trainRequest.parse(asked, { error: inWords });
  } catch (error) {
    const message =
      error instanceof z.ZodError ? fieldErrors(error) : error instanceof Error ? error.message : String(error);
    answer({ kind: "Train", error: { reason: "BadRequest", message: message.slice(0, 1500) } });
    return exitCodes.badRequest;
  }
  const signal = stopSignal();
  const say = (line: string): void => console.error(`evenkeel: ${line}`);
  try {
    const { result, exitCode } = await runTraining(request, openStore(store ?? ""), {
      onProgress: trainingProgress(),
      say,
      signal,
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

/** The first of them lets training end a step and keep its checkpoint; a second one ends it at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
