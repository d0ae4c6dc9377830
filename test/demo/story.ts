import { styleText } from "node:util";
import { bar } from "../../src/cli/bar.ts";
import type { Progress } from "./progress.ts";

/** Tells what happens, live in the terminal: one line a thing, and one line that moves while something lasts. */
export class Story {
  readonly #out: NodeJS.WriteStream;
  readonly #began = Date.now();
  #moving = "";
  #lastPlain = 0;

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
  }

  /** @returns seconds since the demo began */
  seconds(): number {
    return (Date.now() - this.#began) / 1000;
  }

  heading(text: string): void {
    this.#clear();
    this.#out.write(`\n${styleText("bold", text)}\n`);
  }

  say(text: string): void {
    this.#line(styleText("dim", this.#clock()), text);
  }

  good(text: string): void {
    this.#line(styleText("dim", this.#clock()), `${styleText("green", "✔")} ${text}`);
  }

  bad(text: string): void {
    this.#line(styleText("dim", this.#clock()), `${styleText("red", "✘")} ${text}`);
  }

  /** A line that is written over by the next; where there is no terminal, one line in ten seconds. */
  moving(text: string): void {
    if (!this.#out.isTTY) {
      if (Date.now() - this.#lastPlain < 10_000) return;
      this.#lastPlain = Date.now();
      this.#out.write(`${this.#clock()}   … ${text}\n`);
      return;
    }
    const width = (this.#out.columns ?? 100) - 12;
    this.#moving = text.slice(0, width);
    this.#out.write(`\r\u001b[2K${styleText("dim", this.#clock())}   ${this.#moving}`);
  }

  progress(what: string, { share, doing }: Progress): void {
    this.moving(`${bar(share, 20)} ${Math.round(100 * share)}% ${what}${doing ? `: ${doing}` : ""}`);
  }

  #line(clock: string, text: string): void {
    this.#clear();
    this.#out.write(`${clock} ${text}\n`);
  }

  #clear(): void {
    if (this.#moving) this.#out.write("\r\u001b[2K");
    this.#moving = "";
  }

  #clock(): string {
    const s = Math.floor(this.seconds());
    return `${String(Math.floor(s / 60)).padStart(2, "0")}:${String(s % 60).padStart(2, "0")}`;
  }
}

/** An error for people, with what caused it. */
export function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${told(error.cause)})` : error.message;
}
