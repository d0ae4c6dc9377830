import { randomBytes } from "node:crypto";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../registry/index.ts";
import { cannotWrite } from "./cannot-write.ts";

/**
 * Fills the folder of an option as a whole: what `write` puts into a folder inside is moved file by file, so that it may be a
 * mount, and nothing is left behind when it fails. Files of the same name are replaced.
 *
 * @throws {CommandError} when it cannot be written to
 */
export async function fillFolder(
  option: string,
  folder: string,
  write: (beside: string) => Promise<void>,
): Promise<void> {
  try {
    await makeFolder(folder);
    const beside = join(folder, `.new-${randomBytes(6).toString("hex")}`);
    try {
      await write(beside);
      for (const item of await readdir(beside)) {
        await rm(join(folder, item), { recursive: true, force: true });
        await rename(join(beside, item), join(folder, item));
      }
    } finally {
      await rm(beside, { recursive: true, force: true });
    }
  } catch (error) {
    throw cannotWrite(option, folder, error);
  }
}
