import { stat } from "node:fs/promises";
import { CommandError } from "./command-error.ts";

/**
 * A store that is not there is a volume that is not mounted, or a typing error, and not one without the artefact.
 *
 * @param called  the folder as messages name it
 * @throws {CommandError} notFound or usage
 */
export async function requireFolder(path: string, called: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new CommandError("notFound", `${called} is not there`);
  if (!found.isDirectory()) throw new CommandError("usage", `${called} is not a folder`);
}
