import { Command } from "commander";
import { openStore, StoreError } from "../registry/index.ts";
import { CommandError } from "./command-error.ts";

export const command = new Command("push")
  .description("Puts a folder into the store and prints its URI. The same content always has the same URI.")
  .argument("<folder>", "the bundle or dataset")
  .requiredOption("--name <name>", "its name in the store, such as models/products or data/shop")
  .option("--store <folder>", "the store's folder (EVENKEEL_STORE)", process.env["EVENKEEL_STORE"])
  .action(async (folder: string, { name, store }: { name: string; store?: string }) => {
    if (!store) throw new CommandError("usage", "no store to put it into: give --store or EVENKEEL_STORE");
    try {
      console.log(await openStore(store).put(name, folder));
    } catch (error) {
      if (error instanceof StoreError)
        throw new CommandError(error.reason === "BadUri" ? "usage" : "failed", error.message);
      if (error instanceof Error && "code" in error && error.code === "ENOENT") {
        throw new CommandError("notFound", `${folder} is not there`);
      }
      throw error;
    }
  });
