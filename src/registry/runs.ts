import { readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Runs } from "./contract.ts";
import { StoreError, storeFailure } from "./error.ts";
import { isAbsent, makeFolder, sweepAbandoned, temporary, tryFolder, writeSynced } from "./files.ts";

/** The files of runs, each replaced as a whole: a reader sees the old content or the new. */
export class FileRuns implements Runs {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async read(run: string, file: string): Promise<Uint8Array | null> {
    try {
      return await readFile(this.#path(run, file));
    } catch (error) {
      if (isAbsent(error)) return null;
      throw storeFailure(error, `reading ${file} of run ${run}`);
    }
  }

  async tryWriting(run: string): Promise<void> {
    await tryFolder(dirname(this.#path(run, "file"))).catch((error: unknown) => {
      throw storeFailure(error, `writing files of run ${run}`);
    });
  }

  async write(run: string, file: string, content: Uint8Array): Promise<void> {
    const path = this.#path(run, file);
    const beside = temporary(dirname(path));
    try {
      await sweepAbandoned(dirname(path));
      await makeFolder(dirname(path));
      await writeSynced(beside, content);
      await rename(beside, path);
    } catch (error) {
      throw storeFailure(error, `writing ${file} of run ${run}`);
    } finally {
      await rm(beside, { force: true }).catch(() => undefined);
    }
  }

  async remove(run: string, file: string): Promise<void> {
    try {
      await rm(this.#path(run, file), { force: true });
    } catch (error) {
      throw storeFailure(error, `removing ${file} of run ${run}`);
    }
  }

  #path(run: string, file: string): string {
    const part = "[a-z0-9][a-z0-9.-]*";
    if (!new RegExp(`^${part}/${part}$`).test(run) || !new RegExp(`^${part}$`).test(file)) {
      throw new StoreError(
        "BadUri",
        `run ${JSON.stringify(run)}, file ${JSON.stringify(file)}: must be NAMESPACE/NAME`,
      );
    }
    return join(this.#root, run, file);
  }
}
