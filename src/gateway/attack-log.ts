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
 */
export class AttackLog {
  readonly #options: AttackLogOptions;
  #wanted: AttackRecord | null = null;
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
    const { store, snapshots, onFault } = this.#options;
    try {
      while (this.#wanted) {
        const wanted = this.#wanted;
        // Read each time: another lease holder may have known more, or less, and written after this one.
        const newest = await attackRecord(store, snapshots);
        const isNews = JSON.stringify(newest.windows) !== JSON.stringify(wanted.windows);
        if (isNews && wanted.at > newest.at) await recordAttacks(store, snapshots, wanted.windows, wanted.at);
        if (this.#wanted === wanted) this.#wanted = null;
      }
    } catch (error) {
      onFault(error);
    }
  }
}
