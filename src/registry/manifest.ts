import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import canonicalize from "canonicalize";
import { z } from "zod";
import { StoreError } from "./error.ts";

/** Beside the files of every artefact. It is no part of the digest, which is over `files` alone. */
export const manifestFile = "manifest.json";

const entry = z.object({
  path: z.string().min(1),
  size: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type ManifestEntry = z.infer<typeof entry>;

export const manifest = z.object({ name: z.string(), files: z.array(entry).min(1) });
export type Manifest = z.infer<typeof manifest>;

/** @returns `sha256:` and the SHA-256 of the RFC 8785 canonical JSON of the entries, which are sorted by path */
export function digestOfEntries(entries: readonly ManifestEntry[]): string {
  const canonical = canonicalize(sortByPath(entries)) ?? "";
  return `sha256:${createHash("sha256").update(canonical).digest("hex")}`;
}

/** By code units, so that the order doesn't depend on a locale. */
export function sortByPath(entries: readonly ManifestEntry[]): ManifestEntry[] {
  return [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** @returns the paths of all files below a folder, relative to it, sorted, without its manifest */
export async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (inside: string): Promise<void> => {
    for (const item of await readdir(join(folder, inside), { withFileTypes: true })) {
      const path = inside ? `${inside}/${item.name}` : item.name;
      if (item.isDirectory()) await walk(path);
      else if (item.isSymbolicLink()) throw new StoreError("Corrupt", `${path} is a symbolic link`);
      else if (!item.isFile()) throw new StoreError("Corrupt", `${path} is neither a file nor a folder`);
      else if (path !== manifestFile) found.push(path);
    }
  };
  await walk("");
  return found.sort();
}

/** @returns the entry that a file really has now */
export async function measure(folder: string, path: string): Promise<ManifestEntry> {
  const file = join(folder, path);
  const hash = createHash("sha256");
  const before: Stats = await stat(file);
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return { path, size: before.size, sha256: hash.digest("hex") };
}
