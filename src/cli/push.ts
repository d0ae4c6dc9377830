import { join } from "node:path";
import { Command } from "commander";
import {
  type Artefact,
  artefactFiles,
  BundleError,
  checkName,
  DatasetError,
  inspectArtefact,
  openStore,
  StoreError,
  UnknownArtefact,
} from "../registry/index.ts";
import { CommandError } from "./command-error.ts";
import { requireFolder } from "./require-folder.ts";
import { requireWritable } from "./require-writable.ts";
import { warnOfSize } from "./warn-of-size.ts";

const examples = `
Examples:
  evenkeel push ./shop --name data/shop --store /mnt/store              a dataset, such as \`evenkeel pack\` makes
  evenkeel push ./clip-vit-b32 --name models/products --store /mnt/store   a model

A dataset is dataset.json and data.safetensors. A model is config.json and model.safetensors as of Hugging Face; what
evenkeel trains has evenkeel.json, probes.safetensors and reference.safetensors beside them. A dataset and a model with
evenkeel.json are read before they are put, every number of them, as those do that use them later; of any other model only
that its files are whole. What else lies in the folder is left out and named: other files in a dataset's,
hidden files in a model's. A symbolic link is refused.

The same content may be in the store already: what was damaged there is replaced.

Exit codes: 0 done, 1 no space was left, 2 wrong usage, or a store that cannot be written to, 3 no such folder or store, 5 the
folder is not a whole dataset or model, or what lies in the store is damaged and cannot be replaced.`;

/** Names that people give, by what is put under them. Others are evenkeel's own. */
const prefixes: Readonly<Record<Artefact["kind"], string>> = { Dataset: "data/", Model: "models/" };

export const command = new Command("push")
  .summary("put a dataset or a model into the store")
  .description("Puts a dataset or a model into the store and prints its URI. The same content always has the same URI.")
  .argument("<folder>", "the dataset or the model")
  .requiredOption("--name <name>", "its name in the store: data/NAME for a dataset, models/NAME for a model")
  .option("--store <folder>", "the store's folder (EVENKEEL_STORE)", process.env["EVENKEEL_STORE"])
  .addHelpText("after", examples)
  .action(async (folder: string, { name, store }: { name: string; store?: string }) => {
    if (!store) throw new CommandError("usage", "no store to put it into: give --store or EVENKEEL_STORE");
    const named = Object.values(prefixes).some((prefix) => name.startsWith(prefix) && name.length > prefix.length);
    if (!named) throw new CommandError("usage", `--name ${name}: must be data/NAME or models/NAME`);
    await requireFolder(folder, folder);
    // A store that is not there is a volume that is not mounted, or a typing error, and no wish for a new one.
    await requireFolder(store, `the store ${store}`);
    try {
      checkName(name);
      await requireWritable({ option: "--store", path: join(store, name), kind: "Folder" });
      const artefact = await inspected(folder);
      const { kind } = artefact;
      if (!name.startsWith(prefixes[kind])) {
        throw new CommandError(
          "usage",
          `--name ${name}: ${folder} is a ${kind.toLowerCase()}: use ${prefixes[kind]}NAME`,
        );
      }
      const { own, strays } = await filesOf(folder, kind);
      if (artefact.kind === "Dataset") warnOfSize(artefact.dataset);
      if (strays.length > 0) console.error(`evenkeel: left out, no part of a ${kind.toLowerCase()}: ${someOf(strays)}`);
      console.log(await openStore(store).put(name, folder, own));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // What lies in the store already is damaged and stays so.
      const how = error.reason === "BadUri" ? "usage" : error.reason === "Corrupt" ? "verificationFailed" : "failed";
      throw new CommandError(how, error.message);
    }
  });

function someOf(paths: readonly string[]): string {
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : "";
  return `${paths.slice(0, 5).join(", ")}${more}`;
}

async function inspected(folder: string): Promise<Artefact> {
  try {
    const artefact = await inspectArtefact(folder);
    if (artefact.kind === "Model" && artefact.description) {
      // Loaded here: a dataset needs nothing of TensorFlow.
      const { checkEncoder } = await import("../model/index.ts");
      await checkEncoder(folder);
    }
    return artefact;
  } catch (error) {
    if (error instanceof UnknownArtefact) throw new CommandError("verificationFailed", error.message);
    if (!(error instanceof DatasetError || error instanceof BundleError)) throw error;
    throw new CommandError("verificationFailed", `${folder} cannot be used: ${error.message}`);
  }
}

async function filesOf(folder: string, kind: Artefact["kind"]): ReturnType<typeof artefactFiles> {
  try {
    return await artefactFiles(folder, kind);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new CommandError("usage", `${error.message}: only files are put (cp -RL copies what links lead to)`);
  }
}
