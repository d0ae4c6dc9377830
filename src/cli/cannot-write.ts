import { CommandError } from "./command-error.ts";

/** Why nothing can be written to a path that the user gave; null when the file system did not say so. */
export function whyNotWritten(error: unknown): string | null {
  return reasons[error instanceof Error && "code" in error ? String(error.code) : ""] ?? null;
}

/** @returns the failure of a write to a path that the user gave, told with what to do; any other failure as it is */
export function cannotWrite(option: string, path: string, error: unknown): unknown {
  const why = whyNotWritten(error);
  return why ? new CommandError("failed", `${option} ${path}: ${why}`) : error;
}

const full = "no space is left there";
const closed = "it is read-only or not writable for this user";
const absent = "nothing can be made there";
const inTheWay = "a file is in the way";

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: full,
  EDQUOT: full,
  EROFS: closed,
  EACCES: closed,
  EPERM: closed,
  ENOENT: absent,
  ENOTDIR: inTheWay,
  EEXIST: inTheWay,
  ENAMETOOLONG: "its name is too long",
  ELOOP: "its links lead in a circle",
};
