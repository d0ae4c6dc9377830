import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";

/** Written and flushed to the disk: after the rename the content must be there even when the power fails. */
export async function writeSynced(file: string, content: Uint8Array): Promise<void> {
  await using handle = await open(file, "w");
  await handle.writeFile(content);
  await handle.sync();
}

export function temporary(parent: string): string {
  return join(parent, `.tmp-${randomBytes(8).toString("hex")}`);
}

export function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

export function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOTEMPTY" || error.code === "EEXIST");
}

export function absentAs<Value>(value: Value): (error: unknown) => Value {
  return (error) => {
    if (isAbsent(error)) return value;
    throw error;
  };
}
