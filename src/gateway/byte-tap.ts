/** A bounded copy of what flows by: whole, or given up. */
export class ByteTap {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #length = 0;
  #over = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether more came than is kept; then nothing is kept. */
  get over(): boolean {
    return this.#over;
  }

  get length(): number {
    return this.#length;
  }

  add(chunk: Buffer): void {
    if (this.#over) return;
    this.#length += chunk.length;
    if (this.#length <= this.#limit) this.#chunks.push(chunk);
    else this.giveUp();
  }

  giveUp(): void {
    this.#over = true;
    this.#chunks = [];
  }

  /** @returns what came so far, null when it was given up */
  bytes(): Buffer | null {
    if (this.#over) return null;
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
  }
}
