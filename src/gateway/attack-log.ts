import { type AttackWindow, recordAttacks, recordedAttacks, type Store } from "../registry/index.ts";

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
  #wanted: readonly AttackWindow[] = [];
  #underWay: Promise<void> | null = null;
  /** What the store has; null while that is not known. */
  #written: string | null = null;

  constructor(options: AttackLogOptions) {
    this.#options = options;
  }

  /** Only what has been saved in the state. */
  note(windows: readonly AttackWindow[]): void {
    this.#wanted = windows;
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
      this.#written ??= JSON.stringify(await recordedAttacks(store, snapshots));
      for (;;) {
        const wanted = this.#wanted;
        const text = JSON.stringify(wanted);
        if (text === this.#written) return;
        await recordAttacks(store, snapshots, wanted, Date.now());
        this.#written = text;
      }
    } catch (error) {
      onFault(error);
    }
  }
}
