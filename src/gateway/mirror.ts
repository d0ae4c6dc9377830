import { cosine } from "../monitor/index.ts";
import { decodeContent } from "./content-encoding.ts";
import type { GatewayMetrics, MirrorResult } from "./gateway-metrics.ts";
import type { ReadExchange } from "./observer.ts";
import { type Protocol, Unparsed } from "./protocols/index.ts";
import { clientClosedRequest } from "./proxied-request.ts";
import { isAboutLoad, isAnswer, isRefusal, judgeRefusal } from "./second-opinion.ts";
import type { Upstream } from "./upstream.ts";
import { anyForm, checkAnswer, type VectorFault, type VectorForm, vectorFault } from "./vector-check.ts";
import { answerToCopy, largestAnswer, NoAnswer, statusOf, type WholeAnswer } from "./whole-answer.ts";

export type MirrorOptions = {
  readonly metrics: GatewayMetrics;
  /** A pod of the candidate, but for one; null while it has none. */
  readonly candidate: (except: Upstream | null) => Upstream | null;
  /** How the candidate's vectors are; null while it is not known. */
  readonly form: (digest: string) => VectorForm | null;
  readonly protocol: () => Protocol | null;
};

/**
 * Sends a copy of a request that the stable model answered to the candidate, discards the answer, and compares its vectors
 * with the stable's. Nothing of it reaches the client, nor the statistics of either model.
 */
export class Mirror {
  readonly #options: MirrorOptions;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  async send(read: ReadExchange, signal: AbortSignal): Promise<void> {
    const { metrics, candidate, protocol: protocolNow } = this.#options;
    const upstream = candidate(null);
    const protocol = protocolNow();
    if (!upstream || !protocol) return;
    const model = upstream.digest;
    if (read.exchange.request === null) {
      metrics.mirrored(model, "dropped");
      return;
    }
    const startedAt = performance.now();
    const answer = await this.#ask(upstream, read, signal);
    // Given up by the gateway itself, which may be after a time that the stable model took too.
    const code = statusOf(answer) ?? (signal.aborted ? clientClosedRequest : 502);
    metrics.finished("mirror", model, code, (performance.now() - startedAt) / 1000);
    metrics.mirrored(model, await this.#judge(model, answer, read, protocol, signal));
  }

  /** A client's request is sent once more as well, to another pod where there is one. */
  async #ask(upstream: Upstream, { exchange }: ReadExchange, signal: AbortSignal): Promise<WholeAnswer | NoAnswer> {
    const { candidate, metrics } = this.#options;
    const first = await answerToCopy(upstream, exchange, signal);
    if (!(first instanceof NoAnswer)) return first;
    metrics.upstreamFailed("mirror", upstream.digest, signal.aborted ? "timeout" : "reset");
    const other = candidate(upstream) ?? candidate(null);
    if (signal.aborted || other?.digest !== upstream.digest) return first;
    return await answerToCopy(other, exchange, signal);
  }

  async #judge(
    model: string,
    answer: WholeAnswer | NoAnswer,
    { exchange, vectors }: ReadExchange,
    protocol: Protocol,
    signal: AbortSignal,
  ): Promise<MirrorResult> {
    // A pod that takes no connection is being replaced, and it is the only one.
    if (answer instanceof NoAnswer) return signal.aborted || !answer.sent ? "unjudged" : "failed";
    const { status } = answer;
    if (isAnswer(status))
      return (await this.#isRead(model, answer, { exchange, vectors }, protocol)) ? "answered" : "failed";
    // A candidate that is mirrored to has one pod, for the copies of all of stable's requests.
    if (isAboutLoad(status)) return "unjudged";
    if (!isRefusal(status)) return "failed";
    // The stable model answered the request, which the copy may not be in all.
    const theirs = await answerToCopy(exchange.upstream, exchange, signal);
    return judgeRefusal(status, statusOf(theirs)) === "alone" ? "refused" : "unjudged";
  }

  async #isRead(
    model: string,
    { body, encoding }: WholeAnswer,
    { exchange, vectors }: ReadExchange,
    protocol: Protocol,
  ): Promise<boolean> {
    const { metrics, form } = this.#options;
    try {
      const mirrored = protocol.readAnswer(await decodeContent(body, encoding, largestAnswer));
      if (mirrored.length !== vectors.length) throw new Unparsed("shape", "another number of vectors than stable gave");
      const { faults } = checkAnswer(mirrored, form(model) ?? anyForm, protocol, exchange.request);
      this.#compare(model, vectors, mirrored, faults);
      return true;
    } catch (error) {
      if (!(error instanceof Unparsed)) throw error;
      metrics.unparsed("mirror", model, error.reason);
      return false;
    }
  }

  #compare(
    model: string,
    stable: readonly Float32Array[],
    mirrored: readonly Float32Array[],
    faults: readonly (VectorFault | null)[],
  ): void {
    const { metrics } = this.#options;
    metrics.vectors("mirror", model, mirrored.length);
    mirrored.forEach((vector, i) => {
      const fault = faults[i];
      if (fault) {
        metrics.invalid("mirror", model, fault);
        return;
      }
      const other = stable[i];
      if (!other || vectorFault(other, anyForm) !== null) return;
      // Vectors of another length are of another space: nothing of the one is in the other.
      metrics.mirrorCosine(model, other.length === vector.length ? cosine(other, vector) : 0);
    });
  }
}
