import type { Exchange } from "./exchange.ts";
import type { Upstream } from "./upstream.ts";
import { answerToCopy } from "./whole-answer.ts";

/** Who refuses a request that the candidate refused: it alone, the stable model too, or nobody knows. */
export type Refusal = (typeof refusalResults)[number];
export const refusalResults = ["alone", "both", "unknown"] as const;

/** Copies carry no credentials. */
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
  // A copy that is not refused, or for its credentials, says that it was about what copies are without.
  if (candidate === null || !isRefusal(candidate) || aboutCredentials.includes(candidate)) return "unknown";
  if (stable === null || aboutCredentials.includes(stable) || isAboutLoad(stable)) return "unknown";
  if (isAnswer(stable)) return "alone";
  return isRefusal(stable) ? "both" : "unknown";
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
    if (!stable || exchange.request === null) return "unknown";
    const answers = [exchange.upstream, stable].map((upstream) => answerToCopy(upstream, exchange, signal));
    const [ours, theirs] = await Promise.all(answers);
    return judgeRefusal(ours?.status ?? null, theirs?.status ?? null);
  }
}
