import type { StoreUri } from "../api/index.ts";

/** Where artefacts lie: immutable folders, addressed by content. */
export interface Store {
  /**
   * Copies a folder into the store. The same artefact that is there already is verified: a whole one is left as it is, a
   * damaged one is replaced.
   *
   * @param paths  of the files that are taken; all when absent
   * @throws {StoreError} Corrupt when a damaged one cannot be replaced
   */
  put(name: string, folder: string, paths?: readonly string[]): Promise<StoreUri>;
  /** The same for files in memory, by path. */
  putFiles(name: string, files: Readonly<Record<string, Uint8Array>>): Promise<StoreUri>;
  /**
   * Tries, before long work, whether an artefact of that name could be written. Nothing is left behind.
   *
   * @throws {StoreError} ReadOnly, Full or NotFound
   */
  tryWriting(name: string): Promise<void>;
  /** @returns the artefact's folder, every file of it verified */
  resolve(uri: StoreUri): Promise<string>;
  /** @returns the artefacts of a name, oldest first */
  list(name: string): Promise<StoreUri[]>;
  /**
   * One file of an artefact as it lies there, not verified: to tell how old something is, not to use it.
   *
   * @returns null when it is not there
   */
  peek(uri: StoreUri, file: string): Promise<Uint8Array | null>;
  remove(uri: StoreUri): Promise<void>;
  /**
   * Removes what writers and removers that were killed have left under a name. Each write does so for what has been still
   * for an hour.
   *
   * @param since  ms of Unix time: what was written to after it is left alone, as it may be in use
   */
  sweep(name: string, since: number): Promise<void>;
  /** Small results and checkpoints that are not addressed by content: a path in the store, written atomically. */
  readonly runs: Runs;
  /** What evaluations leave of their runs, under `evaluations/`: no trainer, which may be anybody's, can write there. */
  readonly evaluations: Runs;
}

/** What a Job leaves under `runs/<namespace>/<retraining>/`, so that a lost answer is given again without work. */
export interface Runs {
  /** @returns null when there is none */
  read(run: string, file: string): Promise<Uint8Array | null>;
  /**
   * Tries, before long work, whether the run's files could be written: a Job may be shown no more than its own folder.
   *
   * @throws {StoreError} ReadOnly, Full or NotFound
   */
  tryWriting(run: string): Promise<void>;
  write(run: string, file: string, content: Uint8Array): Promise<void>;
  remove(run: string, file: string): Promise<void>;
}
