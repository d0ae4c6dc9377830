import { randomBytes } from "node:crypto";
import { lstat, mkdir, mkdtemp, open, readdir, rm, rmdir, stat } from "node:fs/promises";
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
    if (!isAbsent(error)) throw error;
    const above = dirname(folder);
    if (!(await isFolder(above))) await makeFolder(above);
    // Once more, also when the one above is there: somebody else may have made it at this moment.
    await mkdir(folder).catch(async (again: unknown) => {
      if (!(await isFolder(folder))) throw again;
    });
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

const temporaryName = /^\.tmp-[0-9a-f]{16}$/;

/** Removes what writers that were killed left in a folder: whatever is temporary and had nothing written to it since then. */
export async function sweepTemporary(parent: string, since: number): Promise<void> {
  const entries = await readdir(parent).catch(absentAs([]));
  for (const entry of entries.filter((name) => temporaryName.test(name))) {
    const path = join(parent, entry);
    if ((await lastWritten(path)) < since) await rm(path, { recursive: true, force: true });
  }
}

/** The same as part of a write, which must not fail by it. What has been still for an hour has no writer any more. */
export async function sweepAbandoned(parent: string): Promise<void> {
  await sweepTemporary(parent, Date.now() - 3_600_000).catch(() => undefined);
}

/** A folder's own time does not tell of a file in it that grows. */
async function lastWritten(path: string): Promise<number> {
  const below = await readdir(path, { recursive: true }).catch(absentAs([]));
  const paths = [path, ...below.map((one) => join(path, one))];
  const times = await Promise.all(paths.map(async (one) => (await lstat(one).catch(absentAs(null)))?.mtimeMs ?? 0));
  return times.reduce((newest, time) => Math.max(newest, time), 0);
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
