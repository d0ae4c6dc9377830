export type BesideOptions<Result> = {
  /** @returns null when there is nothing yet: then it is begun again at once */
  readonly work: (before: Result | null) => Promise<Result | null>;
  /** The least time between an end and the next beginning. */
  readonly everyMs: number;
  readonly onFault: (error: unknown) => void;
};

/** Slow work beside a loop that must not wait for it: one at a time, and the loop takes what was finished last. */
export class Beside<Result> {
  readonly #options: BesideOptions<Result>;
  #finished: { readonly result: Result | null } | null = null;
  #underWay: Promise<void> | null = null;
  #dueAt = -Infinity;

  constructor(options: BesideOptions<Result>) {
    this.#options = options;
  }

  /**
   * Begins the next when it is due, and does not wait for it.
   *
   * @param before  what counts as long as nothing was finished
   */
  newest(before: Result | null): Result | null {
    const newest = this.#finished ? this.#finished.result : before;
    if (!this.#underWay && performance.now() >= this.#dueAt) this.#underWay = this.#work(newest);
    return newest;
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  async #work(before: Result | null): Promise<void> {
    const { work, everyMs, onFault } = this.#options;
    try {
      this.#finished = { result: await work(before) };
      if (this.#finished.result !== null) this.#dueAt = performance.now() + everyMs;
    } catch (error) {
      this.#dueAt = performance.now() + everyMs;
      onFault(error);
    } finally {
      this.#underWay = null;
    }
  }
}
