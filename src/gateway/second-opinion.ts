import type { Exchange } from "./exchange.ts";
import type { Upstream } from "./upstream.ts";
import { answerToCopy, statusOf } from "./whole-answer.ts";

/**
 * Who refuses a request that the candidate refused: it alone, or the stable model too. Unclear is where the answers do not
 * tell, unasked where nobody could be asked.
 */
export type Refusal = (typeof refusals)[number];
export const refusals = ["alone", "both", "unclear", "unasked"] as const;

/** Copies carry no headers with credentials. */
const aboutCredentials: readonly number[] = [401, 403, 407];
const aboutLoad: readonly number[] = [408, 425, 429, 503];

/** Whether it says something of how busy a pod is, and nothing of the request. */
export function isAboutLoad(status: number): boolean {
  return aboutLoad.includes(status);
}

export function isAnswer(status: number): boolean {
  return status >= 200 && status < 300;
}

export function isRefusal(status: number): boolean {
  return status >= 300 && status < 500;
}

/**
 * @param candidate  status with which it answered a copy, null when it gave no answer
 * @param stable     of the stable model, to the same copy
 */
export function judgeRefusal(candidate: number | null, stable: number | null): Refusal {
  // A copy may be without what it was about, and what was of the moment may be over.
  if (candidate === null || !isRefusal(candidate) || aboutCredentials.includes(candidate)) return "unclear";
  if (stable === null || aboutCredentials.includes(stable) || isAboutLoad(stable)) return "unclear";
  if (isAnswer(stable)) return "alone";
  return isRefusal(stable) ? "both" : "unclear";
}

/**
 * Asks both models once more what the candidate refused to answer to a client, with the same copy of the request. A refusal
 * alone says nothing: most are of requests that no model can answer. Nothing of it reaches the client, nor the statistics
 * of either model.
 */
export class SecondOpinion {
  readonly #stable: () => Upstream | null;

  /** @param stable  a pod of the stable model; null while it has none */
  constructor(stable: () => Upstream | null) {
    this.#stable = stable;
  }

  async ask(exchange: Exchange, signal: AbortSignal): Promise<Refusal> {
    const stable = this.#stable();
    if (!stable || exchange.request === null) return "unasked";
    const answers = [exchange.upstream, stable].map((upstream) => answerToCopy(upstream, exchange, signal));
    const [ours = null, theirs = null] = (await Promise.all(answers)).map(statusOf);
    return judgeRefusal(ours, theirs);
  }
}
