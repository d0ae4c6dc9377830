import { cp } from "node:fs/promises";
import { Command } from "commander";
import { openStore, StoreError, verifyArtefact } from "../registry/index.ts";
import { CommandError } from "./command-error.ts";
import { fillFolder } from "./fill-folder.ts";
import { howNotRead } from "./how-not-read.ts";
import { requireFolder } from "./require-folder.ts";
import { requireWritable } from "./require-writable.ts";

const examples = `
Examples:
  evenkeel fetch --uri store://models/products@sha256:… --store /mnt/store --to ./products
  evenkeel fetch --to /model            in an init container, where MODEL_URI and EVENKEEL_STORE say the rest

Exit codes: 0 done, 1 no space was left, 2 wrong usage, or a folder that cannot be written to, 3 not in the store, or
no such store, 5 what lies in the store, or what came out of it, is not what the digest says.`;

export const command = new Command("fetch")
  .summary("a verified copy of a bundle or dataset")
  .description(
    "A verified copy of a bundle or dataset from the store, for an init container of a server that reads folders.",
  )
  .option("--uri <uri>", "store://NAME@sha256:DIGEST (MODEL_URI)", process.env["MODEL_URI"])
  .option("--store <folder>", "the store's folder (EVENKEEL_STORE)", process.env["EVENKEEL_STORE"])
  .requiredOption("--to <folder>", "where the files go; files of the same name are replaced")
  .addHelpText("after", examples)
  .action(async ({ uri, store, to }: { uri?: string; store?: string; to: string }) => {
    if (!uri) throw new CommandError("usage", "nothing to fetch: give --uri or MODEL_URI");
    if (!store) throw new CommandError("usage", "no store to fetch from: give --store or EVENKEEL_STORE");
    await requireFolder(store, `the store ${store}`);
    await requireWritable({ option: "--to", path: to, kind: "Folder" });
    try {
      const source = await openStore(store).resolve(uri);
      await fillFolder("--to", to, async (beside) => {
        await cp(source, beside, { recursive: true });
        // The second look finds what went wrong on the way, before a file is replaced.
        await verifyArtefact(beside, uri);
      });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      throw new CommandError(howNotRead(error), error.message);
    }
    console.log(`${uri} is in ${to}, every file verified`);
  });
