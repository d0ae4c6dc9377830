import { open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { tryFolder } from "../registry/index.ts";
import { whyNotWritten } from "./cannot-write.ts";
import { CommandError } from "./command-error.ts";

/** A place that the user gave for what a command makes. */
export type Place = {
  readonly option: string;
  readonly path: string;
  readonly kind: "Folder" | "File";
};

/**
 * Tries a place before the work whose result goes there: hours of training must not end at a typing error. Nothing is left
 * behind.
 *
 * @throws {CommandError} usage, naming the option, the path and what is wrong with it
 */
export async function requireWritable({ option, path, kind }: Place): Promise<void> {
  const refused = (why: string): CommandError => new CommandError("usage", `${option} ${path}: ${why}`);
  const found = await stat(path).catch(() => null);
  if (found && kind === "Folder" && !found.isDirectory()) throw refused("it is a file: a folder is needed");
  if (found?.isDirectory() && kind === "File") throw refused("it is a folder: a file is needed");
  if (kind === "File" && !(await stat(dirname(path)).catch(() => null))?.isDirectory()) {
    throw refused("there is no such folder to put it into");
  }
  try {
    if (found && kind === "File") await (await open(path, "a")).close();
    else await tryFolder(kind === "Folder" ? path : dirname(path));
  } catch (error) {
    throw refused(whyNotWritten(error) ?? (error instanceof Error ? error.message : String(error)));
  }
}
