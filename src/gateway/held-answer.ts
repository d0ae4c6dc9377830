import type { Guard, GuardVerdict, PendingScore } from "./guard.ts";

/** An answer's status line and headers, as they go to the client. */
export type AnswerHead = {
  readonly status: number;
  readonly statusMessage: string;
  readonly headers: readonly string[];
  /** Its Content-Encoding; null when it has none. */
  readonly encoding: string | null;
};

/** An answer that waits for the score of its request, within a bound of bytes and of time. */
export class HeldAnswer {
  readonly chunks: Buffer[] = [];
  readonly #guard: Guard;
  readonly #pending: PendingScore;
  #length = 0;

  constructor(guard: Guard, pending: PendingScore) {
    this.#guard = guard;
    this.#pending = pending;
  }

  /** @returns false when it has become too large to hold; the chunk is in `chunks` all the same */
  add(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    this.#length += chunk.length;
    return this.#length <= this.#guard.maxBytes;
  }

  /** The score of the whole answer, or Unscored when it takes longer than it may. Never rejects. */
  async judge(encoding: string | null): Promise<GuardVerdict> {
    const { maxDelay } = this.#guard;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<GuardVerdict>((resolve) => {
      timer = setTimeout(() => {
        this.#pending.cancel();
        resolve({ kind: "Unscored", reason: `no score within ${maxDelay} ms` });
      }, maxDelay);
    });
    const verdict = await Promise.race([this.#pending.judge(Buffer.concat(this.chunks), encoding), tooLate]);
    clearTimeout(timer);
    return verdict;
  }

  cancel(): void {
    this.#pending.cancel();
  }
}
