/** Why a file or a folder of the user cannot be read, in words; of any other failure its message. */
export function whyNotRead(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code] ?? (error instanceof Error ? error.message : String(error));
}

const closed = "it is not readable for this user";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file: a part of its path is a file and no folder",
  EISDIR: "it is a folder: a file is needed",
  EACCES: closed,
  EPERM: closed,
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "its name is too long",
  ERR_FS_FILE_TOO_LARGE: "it is larger than 2 GiB, the most that can be read",
  EIO: "its volume cannot be read",
};
