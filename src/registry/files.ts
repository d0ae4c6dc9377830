import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, open, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Written and flushed to the disk: after the rename the content must be there even when the power fails. */
export async function writeSynced(file: string, content: Uint8Array): Promise<void> {
  await using handle = await open(file, "w");
  await handle.writeFile(content);
  await handle.sync();
}

/**
 * Makes a folder and those above it. Node's own `recursive` never returns where a file system answers ENOENT to every new
 * folder, as /proc does: it takes that for a folder above that is missing, and tries for ever.
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (await isFolder(folder)) return;
    const above = dirname(folder);
    if (!isAbsent(error) || (await isFolder(above))) throw error;
    await makeFolder(above);
    await makeFolder(folder);
  }
}

/**
 * Finds out whether a folder could be made and filled, and leaves nothing behind: a folder is made in it, or in the nearest
 * one above it that is there, and taken away again. Only that tells of a volume that is read-only.
 */
export async function tryFolder(folder: string): Promise<void> {
  const there = await stat(folder).catch(absentAs(null));
  if (there) await rmdir(await mkdtemp(join(folder, ".try-")));
  else await tryFolder(dirname(folder));
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(absentAs(null)))?.isDirectory() ?? false;
}

export function temporary(parent: string): string {
  return join(parent, `.tmp-${randomBytes(8).toString("hex")}`);
}

export function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** Something lies where a folder should be renamed to; EBUSY is a folder that is mounted there. */
export function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && ["ENOTEMPTY", "EEXIST", "EBUSY"].includes(String(error.code));
}

export function absentAs<Value>(value: Value): (error: unknown) => Value {
  return (error) => {
    if (isAbsent(error)) return value;
    throw error;
  };
}
