import { type AttackRecord, attackRecord, recordAttacks, type Store } from "../registry/index.ts";

export type AttackLogOptions = {
  readonly store: Store;
  /** Name of the service's snapshots. */
  readonly snapshots: string;
  readonly onFault: (error: unknown) => void;
};

/**
 * Writes beside the captured traffic when the service was attacked. Whoever reads a snapshot asks for it then: a run may
 * have been told of its snapshot before the attack was seen. The detector does not wait for the store; what could not be
 * written is tried again with the next block.
 *
 * One is for one term of the lease: what the store holds is read once, and then known. Whoever led before may still be
 * writing, but nothing as new as what this term writes first; so that is written even when it says the same.
 */
export class AttackLog {
  readonly #options: AttackLogOptions;
  #wanted: AttackRecord | null = null;
  /** What readers of the store are told from now on, as JSON; null until it is known. */
  #told: string | null = null;
  #underWay: Promise<void> | null = null;

  constructor(options: AttackLogOptions) {
    this.#options = options;
  }

  /** Only what has been saved in the state, as of the end of its block. */
  note(record: AttackRecord): void {
    this.#wanted = record;
    this.#underWay ??= this.#write().finally(() => {
      this.#underWay = null;
    });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  async #write(): Promise<void> {
    try {
      while (this.#wanted) {
        const wanted = this.#wanted;
        const windows = JSON.stringify(wanted.windows);
        if (windows !== this.#told && (await this.#tell(wanted))) this.#told = windows;
        if (this.#wanted === wanted) this.#wanted = null;
      }
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  /** @returns whether it counts for readers now; not so when the store knows of a later time */
  async #tell({ windows, at }: AttackRecord): Promise<boolean> {
    const { store, snapshots } = this.#options;
    if (this.#told === null) {
      const newest = await attackRecord(store, snapshots);
      if (at <= newest.at) return false;
      // No record of a service that was never attacked.
      if (windows.length === 0 && newest.windows.length === 0) return true;
    }
    await recordAttacks(store, snapshots, windows, at);
    return true;
  }
}
