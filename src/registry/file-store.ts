import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { StoreUri } from "../api/index.ts";
import type { Store } from "./contract.ts";
import { StoreError, storeFailure } from "./error.ts";
import {
  absentAs,
  isAbsent,
  isTaken,
  makeFolder,
  sweepAbandoned,
  sweepTemporary,
  temporary,
  tryFolder,
  writeSynced,
} from "./files.ts";
import {
  digestOfEntries,
  filesBelow,
  type ManifestEntry,
  manifest,
  manifestFile,
  measure,
  sortByPath,
} from "./manifest.ts";
import { FileRuns } from "./runs.ts";
import { checkName, formatUri, parseUri } from "./uri.ts";

/**
 * A store on a file system that all its users mount: `<root>/<name>/sha256-<hex>/`.
 *
 * An artefact is written beside its place and renamed into it, so that it is there whole or not at all, and two that
 * write the same at once both end well. One that is there already stays when it is whole and is replaced when it is not.
 */
export class FileStore implements Store {
  readonly runs: FileRuns;
  readonly evaluations: FileRuns;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    this.runs = new FileRuns(join(root, "runs"));
    this.evaluations = new FileRuns(join(root, "evaluations"));
  }

  async put(name: string, folder: string, taken?: readonly string[]): Promise<StoreUri> {
    const paths = taken ?? (await filesBelow(folder));
    return this.#write(name, paths, async (target) => {
      for (const path of paths) {
        await makeFolder(dirname(join(target, path)));
        await copyFile(join(folder, path), join(target, path), constants.COPYFILE_FICLONE);
      }
      // Measured on the copy: what is promised is what lies in the store, whatever becomes of the original meanwhile.
      return Promise.all(paths.map((path) => measure(target, path)));
    });
  }

  async putFiles(name: string, files: Readonly<Record<string, Uint8Array>>): Promise<StoreUri> {
    const entries: ManifestEntry[] = Object.entries(files).map(([path, content]) => ({
      path: checkPath(path),
      size: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
    }));
    return this.#write(name, Object.keys(files), async (target) => {
      for (const [path, content] of Object.entries(files)) {
        await makeFolder(dirname(join(target, path)));
        await writeSynced(join(target, path), content);
      }
      return entries;
    });
  }

  async tryWriting(name: string): Promise<void> {
    checkName(name);
    await tryFolder(join(this.#root, name)).catch((error: unknown) => {
      throw storeFailure(error, `writing ${name} to ${this.#root}`);
    });
  }

  async resolve(uri: StoreUri): Promise<string> {
    const folder = this.#folder(uri);
    await verifyArtefact(folder, uri);
    return folder;
  }

  async list(name: string): Promise<StoreUri[]> {
    checkName(name);
    const folder = join(this.#root, name);
    try {
      const entries = await readdir(folder, { withFileTypes: true }).catch(absentAs([]));
      const found = entries
        .filter((entry) => entry.isDirectory() && /^sha256-[0-9a-f]{64}$/.test(entry.name))
        // What others remove meanwhile is not there.
        .map(async (entry) => ({ entry: entry.name, at: await stat(join(folder, entry.name)).catch(absentAs(null)) }));
      return (await Promise.all(found))
        .flatMap(({ entry, at }) => (at ? [{ entry, at: at.mtimeMs }] : []))
        .sort((a, b) => a.at - b.at || (a.entry < b.entry ? -1 : 1))
        .map(({ entry }) => formatUri({ name, digest: entry.replace("sha256-", "sha256:") }));
    } catch (error) {
      throw storeFailure(error, `listing ${name} in ${this.#root}`);
    }
  }

  async peek(uri: StoreUri, file: string): Promise<Uint8Array | null> {
    return await readFile(join(this.#folder(uri), checkPath(file))).catch(absentAs(null));
  }

  async remove(uri: StoreUri): Promise<void> {
    const folder = this.#folder(uri);
    const aside = temporary(dirname(folder));
    try {
      // Renamed first: whoever looks sees it whole or not at all.
      await rename(folder, aside);
      await rm(aside, { recursive: true, force: true });
    } catch (error) {
      if (isAbsent(error)) return;
      throw storeFailure(error, `removing ${uri}`);
    }
  }

  async sweep(name: string, since: number): Promise<void> {
    checkName(name);
    await sweepTemporary(join(this.#root, name), since).catch((error: unknown) => {
      throw storeFailure(error, `clearing ${name} in ${this.#root}`);
    });
  }

  #folder(uri: StoreUri): string {
    const { name, digest } = parseUri(uri);
    return join(this.#root, name, digest.replace(":", "-"));
  }

  async #write(
    name: string,
    paths: readonly string[],
    fill: (target: string) => Promise<ManifestEntry[]>,
  ): Promise<StoreUri> {
    checkName(name);
    if (paths.length === 0) throw new StoreError("NotFound", `nothing to put as ${name}: the folder has no files`);
    const parent = join(this.#root, name);
    const target = temporary(parent);
    try {
      await sweepAbandoned(parent);
      await makeFolder(target);
      const files = sortByPath(await fill(target));
      const digest = digestOfEntries(files);
      await writeSynced(join(target, manifestFile), Buffer.from(`${JSON.stringify({ name, files }, null, 2)}\n`));
      const uri = formatUri({ name, digest });
      await place(target, this.#folder(uri), uri);
      return uri;
    } catch (error) {
      throw storeFailure(error, `writing ${name} to ${this.#root}`);
    } finally {
      await rm(target, { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

/**
 * Moves a whole artefact into its place. Others may write or mend the same meanwhile: the last one to come finds it whole.
 *
 * @throws {StoreError} Corrupt when what lies there is damaged and cannot be moved away
 */
async function place(made: string, folder: string, uri: StoreUri): Promise<void> {
  while (!(await renamed(made, folder))) {
    try {
      await verifyArtefact(folder, uri);
      return;
    } catch (error) {
      // Somebody else is replacing it at this moment.
      if (isAbsent(error) || (error instanceof StoreError && error.reason === "NotFound")) continue;
      if (!(error instanceof StoreError)) throw error;
      await discard(folder, error);
    }
  }
}

/** @returns false when something lies there already */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  }
}

/** @throws {StoreError} Corrupt when it cannot be moved away, as a mount cannot, or what is another user's */
async function discard(folder: string, damage: StoreError): Promise<void> {
  const aside = temporary(dirname(folder));
  try {
    await rename(folder, aside);
  } catch (error) {
    if (isAbsent(error)) return;
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError(
      "Corrupt",
      `${damage.message}; it cannot be replaced (${why}): remove ${folder} where that is allowed, then do this again`,
      { cause: error },
    );
  }
  await rm(aside, { recursive: true, force: true }).catch(() => undefined);
}

/**
 * Compares a folder, in the store or copied from it, with the artefact that it should be.
 *
 * @throws {StoreError} NotFound, or Corrupt with the first file that differs
 */
export async function verifyArtefact(folder: string, uri: StoreUri): Promise<void> {
  const { digest } = parseUri(uri);
  const listed = await readManifest(folder, uri);
  if (digestOfEntries(listed) !== digest) {
    throw new StoreError("Corrupt", `${uri}: its manifest has another digest, ${digestOfEntries(listed)}`);
  }
  const present = new Set(
    await filesBelow(folder).catch((error: unknown) => {
      throw error instanceof StoreError ? new StoreError(error.reason, `${uri}: ${error.message}`) : error;
    }),
  );
  for (const entry of listed) {
    if (!present.delete(entry.path)) throw new StoreError("Corrupt", `${uri}: ${entry.path} is missing`);
    const found = await measure(folder, entry.path);
    if (found.size !== entry.size || found.sha256 !== entry.sha256) {
      throw new StoreError(
        "Corrupt",
        `${uri}: ${entry.path} has ${found.size} bytes with SHA-256 ${found.sha256}, not ${entry.size} with ${entry.sha256}`,
      );
    }
  }
  const [extra] = present;
  if (extra !== undefined) throw new StoreError("Corrupt", `${uri}: ${extra} is not in its manifest`);
}

async function readManifest(folder: string, uri: string): Promise<ManifestEntry[]> {
  const text = await readFile(join(folder, manifestFile), "utf8").catch(absentAs(null));
  if (text === null) {
    const there = await stat(folder).catch(absentAs(null));
    if (there) throw new StoreError("Corrupt", `${uri}: ${manifestFile} is missing`);
    throw new StoreError("NotFound", `${uri} is not in the store: nothing lies at ${folder}`);
  }
  try {
    return manifest.parse(JSON.parse(text)).files;
  } catch (error) {
    throw new StoreError("Corrupt", `${uri}: ${manifestFile} cannot be read`, { cause: error });
  }
}

function checkPath(path: string): string {
  if (path.split("/").every((part) => part !== "" && part !== "." && part !== "..") && path !== manifestFile)
    return path;
  throw new StoreError("BadUri", `file ${JSON.stringify(path)}: its path must stay in the artefact`);
}
