import type { Exchange } from "./exchange.ts";
import type { Protocol } from "./protocols/index.ts";
import type { Upstream } from "./upstream.ts";
import { answerToCopy } from "./whole-answer.ts";

/** Who refuses a request that the candidate refused: it alone, the stable model too, or nobody knows. */
export type Refusal = "alone" | "both" | "unknown";

export type SecondOpinionOptions = {
  /** A pod of the stable model; null while it has none. */
  readonly stable: () => Upstream | null;
  readonly protocol: () => Protocol | null;
};

/** The copy carries no credentials: such an answer is to that. */
const aboutCredentials: readonly number[] = [401, 403, 407];

/**
 * Asks the stable model what the candidate refused to answer. A refusal alone says nothing: most are of requests that no
 * model can answer. Nothing of it reaches the client, nor the statistics of either model.
 */
export class SecondOpinion {
  readonly #options: SecondOpinionOptions;

  constructor(options: SecondOpinionOptions) {
    this.#options = options;
  }

  async ask({ request }: Exchange, signal: AbortSignal): Promise<Refusal> {
    const upstream = this.#options.stable();
    const protocol = this.#options.protocol();
    if (!upstream || !protocol || request === null) return "unknown";
    const answer = await answerToCopy(upstream, protocol, request, signal);
    if (!answer || answer.status >= 500 || aboutCredentials.includes(answer.status)) return "unknown";
    return answer.status >= 200 && answer.status < 300 ? "alone" : "both";
  }
}
