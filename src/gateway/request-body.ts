import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { ByteTap } from "./byte-tap.ts";

/** More came than the gateway passes on. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
}

/**
 * The body of a client's request on its way to a pod: it flows as fast as the pod takes it, and its beginning is kept so
 * that it can be sent to another pod.
 */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #limit: number;
  readonly #kept: ByteTap;
  #total = 0;
  #ended = false;
  #failure: Error | null = null;
  #reader: Readable | null = null;
  #onProgress: () => void = () => {};
  #wanted = true;

  /**
   * @param limit  bytes that may pass
   * @param keep   bytes that are kept
   */
  constructor(request: IncomingMessage, limit: number, keep: number) {
    this.#request = request;
    this.#limit = limit;
    this.#kept = new ByteTap(keep);
    request.pause();
    request.on("data", (chunk: Buffer) => this.#arrived(chunk));
    request.once("end", () => {
      this.#ended = true;
      this.#reader?.push(null);
      this.#onProgress();
    });
    request.once("error", (error) => this.#fail(error));
    request.once("close", () => {
      if (!this.#ended) this.#fail(new Error("the client went away"));
    });
    request.pause();
  }

  /** The whole body, null while it is not here or when it was too large to keep. */
  whole(): Buffer | null {
    return this.#ended ? this.#kept.bytes() : null;
  }

  /**
   * Waits for the whole body.
   *
   * @returns null when it is larger than `limit`; it can still be read
   * @throws {Error} when the client goes away before its end
   */
  async collect(limit: number): Promise<Buffer | null> {
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (this.#failure) reject(this.#failure);
        else if (this.#ended || this.#total > limit) resolve();
        else this.#request.resume();
      };
      this.#onProgress = check;
      check();
    });
    this.#onProgress = () => {};
    return this.#total > limit ? null : this.whole();
  }

  /** Whether the body can be read from its beginning (once more). */
  replayable(): boolean {
    return !this.#kept.over && this.#failure === null;
  }

  get failure(): Error | null {
    return this.#failure;
  }

  /** Reads the body from its beginning. A reader that was opened before gets nothing more. */
  open(): Readable {
    this.#request.pause();
    const reader = new Readable({
      highWaterMark: 64 * 1024,
      read: () => {
        if (this.#reader === reader && !this.#ended) this.#request.resume();
      },
    });
    this.#reader = reader;
    const kept = this.#kept.bytes();
    if (kept && kept.length > 0) reader.push(kept);
    if (this.#failure) reader.destroy(this.#failure);
    else if (this.#ended) reader.push(null);
    return reader;
  }

  /** Takes what is left and keeps nothing of it: many a client reads its answer only once its request is out. */
  discard(): void {
    this.#wanted = false;
    this.#reader = null;
    if (this.#failure === null) this.#request.resume();
  }

  #arrived(chunk: Buffer): void {
    this.#total += chunk.length;
    if (!this.#wanted) {
      if (this.#total > this.#limit) this.#request.destroy();
      return;
    }
    if (this.#total > this.#limit) {
      this.#fail(new BodyTooLarge(`the body is larger than ${this.#limit} bytes`));
      return;
    }
    this.#kept.add(chunk);
    if (this.#reader === null || this.#reader.destroyed || !this.#reader.push(chunk)) this.#request.pause();
    this.#onProgress();
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#request.pause();
    this.#reader?.destroy(error);
    this.#onProgress();
  }
}

/**
 * Reads a body of known length at once: small ones are sent in one piece, and a slow client holds no pod's connection.
 *
 * @throws {Error} when the client goes away before its end
 */
export function readWhole(request: IncomingMessage, length: number): Promise<Buffer> {
  if (length === 0) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let ended = false;
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      ended = true;
      const [first] = chunks;
      resolve(chunks.length === 1 && first ? first : Buffer.concat(chunks, length));
    });
    request.once("error", reject);
    request.once("close", () => {
      if (!ended) reject(new Error("the client went away"));
    });
  });
}
