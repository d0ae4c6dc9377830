import { randomBytes } from "node:crypto";
import { cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { openStore, StoreError, verifyArtefact } from "../registry/index.ts";
import { CommandError } from "./command-error.ts";

export const command = new Command("fetch")
  .description(
    "A verified copy of a bundle or dataset from the store, for an init container of a server that reads folders.",
  )
  .option("--uri <uri>", "store://NAME@sha256:DIGEST (MODEL_URI)", process.env["MODEL_URI"])
  .option("--store <folder>", "the store's folder (EVENKEEL_STORE)", process.env["EVENKEEL_STORE"])
  .requiredOption("--to <folder>", "where the files go; files of the same name are replaced")
  .action(async ({ uri, store, to }: { uri?: string; store?: string; to: string }) => {
    if (!uri) throw new CommandError("usage", "nothing to fetch: give --uri or MODEL_URI");
    if (!store) throw new CommandError("usage", "no store to fetch from: give --store or EVENKEEL_STORE");
    await fetchTo(store, uri, to);
    console.log(`${uri} is in ${to}, every file verified`);
  });

/**
 * Copies an artefact into a folder, file by file, so that the folder may be a mount. The copy is verified too: the second
 * look finds what went wrong on the way.
 */
async function fetchTo(root: string, uri: string, to: string): Promise<void> {
  try {
    const source = await openStore(root).resolve(uri);
    await mkdir(to, { recursive: true });
    const beside = join(to, `.fetch-${randomBytes(6).toString("hex")}`);
    try {
      await cp(source, beside, { recursive: true });
      await verifyArtefact(beside, uri);
      for (const item of await readdir(beside)) {
        await rm(join(to, item), { recursive: true, force: true });
        await rename(join(beside, item), join(to, item));
      }
    } finally {
      await rm(beside, { recursive: true, force: true });
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const how = error.reason === "NotFound" ? "notFound" : error.reason === "BadUri" ? "usage" : "verificationFailed";
    throw new CommandError(how, error.message);
  }
}
