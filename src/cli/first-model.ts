import { join } from "node:path";
import { checkName, openStore, parseUri, StoreError } from "../registry/index.ts";
import { type FirstModelArchitecture, trainFirstModel, UnfitPerturbation } from "../training/index.ts";
import { CommandError } from "./command-error.ts";
import { requireWritable } from "./require-writable.ts";
import { readThreatModel } from "./threat-model-file.ts";
import { trainingProgress } from "./training-progress.ts";

export interface FirstModelRequest {
  readonly dataset: string;
  readonly name?: string | undefined;
  readonly store?: string | undefined;
  readonly threatModel?: string | undefined;
  readonly architecture?: FirstModelArchitecture | undefined;
  readonly steps?: number | undefined;
  readonly seed?: number | undefined;
  readonly restart?: boolean | undefined;
}

/**
 * Trains a first model by hand and prints its URI. Told to stop, it leaves a checkpoint that the same call goes on from.
 *
 * @throws {CommandError}
 * @throws {DatasetError} when the data cannot be used
 * @throws {Interrupted} when the signal stopped it
 */
export async function firstModel(
  { dataset, name, store, threatModel, architecture, steps, seed, restart = false }: FirstModelRequest,
  signal: AbortSignal,
): Promise<void> {
  if (!store) throw new CommandError("usage", "no store to read from and write to: give --store or EVENKEEL_STORE");
  if (name === undefined) throw new CommandError("usage", "no name for the model: give --name models/NAME");
  if (!name.startsWith("models/")) throw new CommandError("usage", `--name ${name}: must be models/NAME`);
  try {
    // Names are looked at first: training takes minutes.
    checkName(name);
    parseUri(dataset);
    for (const place of [name, "runs"])
      await requireWritable({ option: "--store", path: join(store, place), kind: "Folder" });
    const threats = threatModel === undefined ? null : await readThreatModel(threatModel);
    // What the model should see through; what it is attacked by is for retraining.
    const benign = threats?.perturbations.filter(({ kind }) => kind === "Benign") ?? [];
    const onProgress = trainingProgress();
    const wanted = {
      name,
      dataset,
      perturbations: benign,
      calibratedOn: benign,
      ...(architecture !== undefined && { architecture }),
      ...(threats && { modality: threats.modality }),
      ...(steps !== undefined && { steps }),
      ...(seed !== undefined && { seed }),
    };
    console.log(await trainFirstModel(openStore(store), wanted, { onProgress, signal, restart }));
  } catch (error) {
    if (error instanceof UnfitPerturbation) throw new CommandError("usage", error.message);
    if (!(error instanceof StoreError)) throw error;
    const how = {
      NotFound: "notFound",
      Corrupt: "verificationFailed",
      BadUri: "usage",
      Full: "failed",
      ReadOnly: "failed",
    } as const;
    throw new CommandError(how[error.reason], error.message);
  }
}
