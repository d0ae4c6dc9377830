import { CommandError } from "./command-error.ts";

/** @returns the failure of a write to a path that the user gave, told with what to do; any other failure as it is */
export function cannotWrite(option: string, path: string, error: unknown): unknown {
  const why = reasons[error instanceof Error && "code" in error ? String(error.code) : ""];
  return why ? new CommandError("failed", `${option} ${path}: ${why}`) : error;
}

const full = "no space is left there";
const closed = "it is read-only or not writable for this user";
const absent = "no folder can be made there";
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
};
