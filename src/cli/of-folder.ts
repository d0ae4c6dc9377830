import { resolve } from "node:path";
import { BundleError, DatasetError } from "../registry/index.ts";

/** Reads a dataset or a model of a folder that the user gave: what is wrong with it is said with the folder's name. */
export async function ofFolder<Value>(folder: string, read: (folder: string) => Promise<Value>): Promise<Value> {
  try {
    return await read(folder);
  } catch (error) {
    if (!(error instanceof DatasetError || error instanceof BundleError)) throw error;
    if ([folder, resolve(folder)].some((path) => error.message.startsWith(path))) throw error;
    const message = `${folder}: ${error.message}`;
    const options = { cause: error.cause };
    throw error instanceof DatasetError
      ? new DatasetError(error.reason, message, options)
      : new BundleError(message, options);
  }
}
