import { cosine } from "../monitor/index.ts";
import { decodeContent } from "./content-encoding.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import type { ReadExchange } from "./observer.ts";
import { type Protocol, Unparsed } from "./protocols/index.ts";
import { clientClosedRequest } from "./proxied-request.ts";
import type { Upstream } from "./upstream.ts";
import { anyForm, checkAnswer, type VectorFault, type VectorForm, vectorFault } from "./vector-check.ts";
import { answerToCopy, largestAnswer } from "./whole-answer.ts";

export type MirrorOptions = {
  readonly metrics: GatewayMetrics;
  /** A pod of the candidate; null while it has none. */
  readonly candidate: () => Upstream | null;
  /** How the candidate's vectors are; null while it is not known. */
  readonly form: (digest: string) => VectorForm | null;
  readonly protocol: () => Protocol | null;
};

/**
 * Sends a copy of a request to the candidate, discards the answer, and compares its vectors with the stable's. Nothing of
 * it reaches the client, nor the statistics of either model.
 */
export class Mirror {
  readonly #options: MirrorOptions;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  async send({ exchange, vectors }: ReadExchange, signal: AbortSignal): Promise<void> {
    const { metrics, candidate, protocol: protocolNow } = this.#options;
    const upstream = candidate();
    const protocol = protocolNow();
    if (!upstream || !protocol) return;
    const model = upstream.digest;
    if (exchange.request === null) {
      metrics.mirrorDropped(model);
      return;
    }
    const startedAt = performance.now();
    const answer = await answerToCopy(upstream, protocol, exchange.request, signal);
    // Given up by the gateway itself, which may be after a time that the stable model took too.
    const code = answer?.status ?? (signal.aborted ? clientClosedRequest : 502);
    metrics.finished("mirror", model, code, (performance.now() - startedAt) / 1000);
    if (!answer) metrics.upstreamFailed("mirror", model, signal.aborted ? "timeout" : "reset");
    if (answer?.status !== 200) {
      metrics.mirrorDropped(model);
      return;
    }
    try {
      const plain = await decodeContent(answer.body, answer.encoding, largestAnswer);
      const mirrored = protocol.readAnswer(plain);
      const form = this.#options.form(model) ?? anyForm;
      this.#compare(model, vectors, mirrored, checkAnswer(mirrored, form, protocol, exchange.request).faults);
    } catch (error) {
      if (!(error instanceof Unparsed)) throw error;
      metrics.unparsed("mirror", model, error.reason);
      metrics.mirrorDropped(model);
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
      metrics.mirrored(model, other.length === vector.length ? cosine(other, vector) : 0);
    });
  }
}
