import type { RepeatNoise } from "../monitor/index.ts";

export type NoiseByModel = Readonly<Record<string, RepeatNoise>>;

export type RepeatNoiseBookOptions = {
  /** What the lease holder has saved, read anew. */
  readonly saved: () => Promise<NoiseByModel>;
  readonly onFault: (error: unknown) => void;
};

/** What is not saved yet is asked for again after this. */
const askAgainMs = 5_000;

/**
 * The noise of each model's repeats, alike in all gateways and after a restart, so that all judge a pod alike
 * (decision 6). The lease holder saves what it measured first; until then each goes by what it measured itself, so that a
 * new model does not wait for a block to end.
 */
export class RepeatNoiseBook {
  readonly #options: RepeatNoiseBookOptions;
  readonly #measured = new Map<string, RepeatNoise>();
  #saved: NoiseByModel = {};
  #asking: Promise<void> | null = null;
  #askedAt = -Infinity;

  constructor(options: RepeatNoiseBookOptions) {
    this.#options = options;
  }

  /** @returns null when it is to be measured */
  async find(model: string): Promise<RepeatNoise | null> {
    if (!this.#saved[model]) await this.#ask();
    return this.#saved[model] ?? this.#measured.get(model) ?? null;
  }

  put(model: string, noise: RepeatNoise): void {
    this.#measured.set(model, noise);
  }

  /** Of these models, what was measured here. */
  measured(models: readonly string[]): NoiseByModel {
    return Object.fromEntries([...this.#measured].filter(([model]) => models.includes(model)));
  }

  /** One at a time; those who come meanwhile wait for it. */
  async #ask(): Promise<void> {
    if (!this.#asking && performance.now() - this.#askedAt >= askAgainMs) {
      this.#asking = this.#read().finally(() => {
        this.#asking = null;
      });
    }
    await this.#asking;
  }

  async #read(): Promise<void> {
    this.#askedAt = performance.now();
    try {
      this.#saved = await this.#options.saved();
    } catch (error) {
      this.#options.onFault(error);
    }
  }
}

/** What is to be saved: of the models in use what was saved before, and what is new. */
export function adoptNoise(saved: NoiseByModel, measured: NoiseByModel, models: readonly string[]): NoiseByModel {
  return Object.fromEntries(
    models.flatMap((model) => {
      const noise = saved[model] ?? measured[model];
      return noise ? [[model, noise] as const] : [];
    }),
  );
}
