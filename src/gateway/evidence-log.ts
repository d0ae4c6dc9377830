import type { Store } from "../registry/index.ts";
import { alarmsName, evidenceFiles } from "./alarm-evidence.ts";
import type { AlarmEvidence } from "./alarm-trail.ts";

export type EvidenceLogOptions = {
  readonly store: Store;
  readonly namespace: string;
  readonly service: string;
  readonly onFault: (error: unknown) => void;
};

/** Alarms whose evidence is kept: 34 MB at the most dimensions. */
export const keptAlarms = 16;
/** Of as many it is held while the store is away. */
const mostWaiting = 4;

/**
 * Writes what each alarm was raised from, once, beside the detector's steps. What could not be written is tried again with
 * the next block.
 */
export class EvidenceLog {
  readonly #options: EvidenceLogOptions;
  #waiting: readonly AlarmEvidence[] = [];
  #underWay: Promise<void> | null = null;

  constructor(options: EvidenceLogOptions) {
    this.#options = options;
  }

  /** Only of alarms that have been saved in the state. */
  note(alarms: readonly AlarmEvidence[]): void {
    this.#waiting = [...this.#waiting, ...alarms].slice(-mostWaiting);
    if (this.#waiting.length === 0) return;
    this.#underWay ??= this.#write().finally(() => {
      this.#underWay = null;
    });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  async #write(): Promise<void> {
    const { store, namespace, service, onFault } = this.#options;
    const name = alarmsName(namespace, service);
    try {
      for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
        const written = next;
        await store.putFiles(name, evidenceFiles(written));
        this.#waiting = this.#waiting.filter((one) => one !== written);
      }
      const all = await store.list(name);
      for (const uri of all.slice(0, Math.max(0, all.length - keptAlarms))) await store.remove(uri);
    } catch (error) {
      onFault(error);
    }
  }
}
