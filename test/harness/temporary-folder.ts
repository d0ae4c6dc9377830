import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Makes a temporary folder that belongs to this process, and removes those of processes that were killed before they
 * could.
 *
 * @param kind  what it is for, letters only
 */
export async function temporaryFolder(kind: string): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const [, owner] = /^evenkeel-[a-z]+-(\d+)-/.exec(name) ?? [];
    if (owner && !existsSync(`/proc/${owner}`)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
  return mkdtemp(join(tmpdir(), `evenkeel-${kind}-${process.pid}-`));
}
