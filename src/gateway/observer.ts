import { gatewayStop } from "../api/index.ts";
import { scoreAnomaly } from "../monitor/index.ts";
import type { BlockRecorder } from "./block-recorder.ts";
import { type ConsistencyScores, scoreSqueezed, squeezeInputs, type Uniform } from "./consistency-probe.ts";
import { decodeContent } from "./content-encoding.ts";
import type { DocumentCounts } from "./document-counts.ts";
import { EmbedFailed, embed } from "./embed.ts";
import type { Exchange } from "./exchange.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import type { Input } from "./inputs.ts";
import type { Material } from "./material.ts";
import { type EmbeddingRequest, type Protocol, Unparsed } from "./protocols/index.ts";
import type { PoolName } from "./routing.ts";
import { isAnswer, isRefusal, type Refusal } from "./second-opinion.ts";
import { anyForm, checkAnswer, vectorFault } from "./vector-check.ts";
import { Wakeup } from "./wakeup.ts";
import { largestAnswer } from "./whole-answer.ts";

/** What of the configuration says what is done with an exchange. */
export type ObserverRules = {
  readonly protocol: Protocol;
  readonly modality: Input["kind"];
  /** Share of a pool's requests whose inputs are embedded again, squeezed. */
  readonly consistencySample: Readonly<Record<PoolName, number>>;
  /** Share of inputs that is captured; 0 when capture is off. */
  readonly captureSample: number;
  /** Digest of the candidate that requests are mirrored to; null when they are not. */
  readonly mirrorTo: string | null;
};

/** An exchange whose answer has been read. */
export type ReadExchange = {
  readonly exchange: Exchange;
  /** One for each input, in order. */
  readonly vectors: readonly Float32Array[];
};

export type CapturedExchange = {
  readonly exchange: Exchange;
  readonly request: EmbeddingRequest;
  readonly indices: readonly number[];
  /** Of the inputs that were probed; null when none was. */
  readonly scores: ConsistencyScores | null;
};

export type ObserverOptions = {
  readonly rules: () => ObserverRules | null;
  readonly material: (digest: string) => Material | null;
  readonly recorder: () => BlockRecorder | null;
  readonly metrics: GatewayMetrics;
  readonly documents: Pick<DocumentCounts, "add">;
  readonly mirror: (read: ReadExchange, signal: AbortSignal) => Promise<void>;
  /** Who refuses what the candidate has refused. */
  readonly secondOpinion: (refused: Exchange, signal: AbortSignal) => Promise<Refusal>;
  /** Keeps the inputs with the given indices. */
  readonly capture: (captured: CapturedExchange) => void;
  readonly random: Uniform;
  readonly limits: ObserverLimits;
  /** Told of faults of the gateway's own; requests do not notice them. */
  readonly onFault: (error: unknown) => void;
};

export type ObserverLimits = {
  /** Exchanges that wait at most, and bytes of them. */
  readonly exchanges: number;
  readonly bytes: number;
  /** Probes and mirrored requests under way at once. */
  readonly followUps: number;
  readonly secondOpinions: number;
  readonly followUpMs: number;
};

export const defaultObserverLimits: ObserverLimits = {
  exchanges: 1024,
  bytes: 64 * 1024 * 1024,
  followUps: 8,
  secondOpinions: 2,
  followUpMs: gatewayStop.followUpsMs,
};

/** Inputs of one request that are squeezed and embedded again. */
const mostProbed = 32;
/** p-value under which a vector counts as an outlier (P4). */
const outlierLevel = 0.01;

/**
 * Statistics on copies of what has passed, off the hot path. When the queue is full exchanges are left out and counted;
 * requests never wait for it.
 */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #queue: Exchange[] = [];
  readonly #wakeup = new Wakeup();
  readonly #followUps = new Set<Promise<void>>();
  /** Apart from the others: who sends requests that are refused must not keep protection from its probes. */
  readonly #opinions = new Set<Promise<void>>();
  #bytes = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  offer(exchange: Exchange): void {
    const { limits, metrics } = this.#options;
    const size = sizeOf(exchange);
    if (this.#queue.length >= limits.exchanges || this.#bytes + size > limits.bytes) {
      metrics.taken(exchange.upstream.digest, "dropped", 1);
      if (isDoubtful(exchange)) metrics.refused(exchange.upstream.digest, "unasked");
      this.#countDocuments(exchange, null);
      return;
    }
    this.#bytes += size;
    this.#queue.push(exchange);
    if (this.#queue.length === 1) this.#wakeup.wake();
  }

  /** Works until `signal` is aborted, then through what is left. Follow-ups may still be under way then. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      const exchange = this.#queue.shift();
      if (exchange) {
        this.#bytes -= sizeOf(exchange);
        await this.#take(exchange).catch(this.#options.onFault);
        // Requests go first.
        await new Promise(setImmediate);
      } else if (signal.aborted) {
        break;
      } else {
        await this.#wakeup.sleep(60_000, signal);
      }
    }
  }

  /** Resolves when no follow-up is under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#followUps, ...this.#opinions]);
  }

  async #take(exchange: Exchange): Promise<void> {
    const { rules: rulesNow, metrics, random } = this.#options;
    const rules = rulesNow();
    const { pool, upstream, verdict } = exchange;
    if (isDoubtful(exchange)) this.#doubt(exchange);
    if (!isSuccess(exchange)) return;
    const model = upstream.digest;
    const vectors = rules && (await this.#read(exchange, rules.protocol));
    this.#countDocuments(exchange, vectors?.length ?? (rules && inputsOf(exchange, rules.protocol)));
    if (!rules || !vectors) return;
    metrics.vectors(pool, model, vectors.length);
    this.#record(exchange, vectors, rules.protocol);
    if (verdict && verdict.kind !== "Unscored") this.#flags(exchange, verdict);
    const probes = verdict === null && random() < rules.consistencySample[pool];
    const captures = [...vectors.keys()].filter(() => random() < rules.captureSample);
    const mirrors = rules.mirrorTo !== null && pool === "stable";
    if (!probes && captures.length === 0 && !mirrors) return;
    if (this.#followUps.size >= this.#options.limits.followUps) {
      if (mirrors && rules.mirrorTo) metrics.mirrored(rules.mirrorTo, "dropped");
      if (captures.length > 0) metrics.captured("dropped", captures.length);
      return;
    }
    keepIn(this.#followUps, this.#follow({ exchange, vectors }, { probes, captures, mirrors }, rules));
  }

  #doubt(exchange: Exchange): void {
    const { limits, metrics, onFault, secondOpinion } = this.#options;
    const model = exchange.upstream.digest;
    if (this.#opinions.size >= limits.secondOpinions) {
      metrics.refused(model, "unasked");
      return;
    }
    const asked = secondOpinion(exchange, AbortSignal.timeout(limits.followUpMs));
    keepIn(this.#opinions, asked.then((refusal) => metrics.refused(model, refusal)).catch(onFault));
  }

  /** @param count  null when it is not known */
  #countDocuments(exchange: Exchange, count: number | null): void {
    if (!exchange.documents || !isSuccess(exchange)) return;
    const { documents, metrics } = this.#options;
    documents.add(exchange.upstream.digest, exchange.at, count);
    metrics.documents(exchange.upstream.digest, count);
  }

  /** @returns null when the answer cannot be read, which is counted */
  async #read(exchange: Exchange, protocol: Protocol): Promise<readonly Float32Array[] | null> {
    const { answer, encoding, pool, upstream } = exchange;
    try {
      if (answer === null) throw new Unparsed("size", "the answer was too large to copy");
      const vectors = protocol.readAnswer(await decodeContent(answer, encoding, largestAnswer));
      if (vectors.length === 0) throw new Unparsed("empty", "the answer has no vector");
      return vectors;
    } catch (error) {
      if (!(error instanceof Unparsed)) throw error;
      this.#options.metrics.unparsed(pool, upstream.digest, error.reason);
      return null;
    }
  }

  #record({ pool, upstream, request, at }: Exchange, vectors: readonly Float32Array[], protocol: Protocol): void {
    const { material, metrics, recorder } = this.#options;
    const model = upstream.digest;
    const { faults, altered } = checkAnswer(vectors, material(model) ?? anyForm, protocol, request);
    for (const fault of faults) if (fault) metrics.invalid(pool, model, fault);
    const sound = vectors.filter((_, i) => faults[i] === null);
    if (!altered) recorder()?.add(model, at, sound);
    metrics.taken(model, altered ? "bypassed" : "counted", sound.length);
  }

  #flags({ pool, upstream, at }: Exchange, { scored, flagged }: { scored: number; flagged: number }): void {
    this.#options.recorder()?.addFlags(upstream.digest, at, scored, flagged);
    this.#options.metrics.consistency(pool, upstream.digest, scored, flagged);
  }

  async #follow(
    read: ReadExchange,
    wanted: { probes: boolean; captures: readonly number[]; mirrors: boolean },
    rules: ObserverRules,
  ): Promise<void> {
    const { exchange } = read;
    const { metrics, mirror, capture, limits } = this.#options;
    const limit = AbortSignal.timeout(limits.followUpMs);
    try {
      const mirrored = wanted.mirrors ? mirror(read, limit) : Promise.resolve();
      const { probes, captures: indices } = wanted;
      if (probes || indices.length > 0) {
        if (exchange.request === null) throw new Unparsed("size", "the request was too large to copy");
        const request = rules.protocol.readRequest(exchange.request);
        const inline = exchange.verdict && exchange.verdict.kind !== "Unscored" ? exchange.verdict : null;
        const scores = probes ? await this.#probe(read, request, rules, limit) : inline;
        if (indices.length > 0) capture({ exchange, request, indices, scores });
      }
      await mirrored;
    } catch (error) {
      if (error instanceof Unparsed) metrics.unparsed(exchange.pool, exchange.upstream.digest, error.reason);
      else this.#options.onFault(error);
    }
  }

  /** The consistency probe (P7) after the answer, and the distance of the same vectors (P4). */
  async #probe(
    { exchange, vectors }: ReadExchange,
    request: EmbeddingRequest,
    { protocol, modality }: ObserverRules,
    signal: AbortSignal,
  ): Promise<ConsistencyScores | null> {
    const { material: materialOf, metrics, random } = this.#options;
    const { upstream } = exchange;
    const material = materialOf(upstream.digest);
    if (!material || vectors.length !== request.inputs.length) return null;
    if (material.drift) {
      for (const vector of vectors.slice(0, mostProbed)) {
        if (vectorFault(vector, { ...material, dimension: material.drift.dimension }) !== null) continue;
        if (scoreAnomaly(material.drift, vector).p < outlierLevel) metrics.outlier(upstream.digest);
      }
    }
    const squeezed = squeezeInputs(request.inputs, modality, material.thresholds, mostProbed, random);
    if (!squeezed) return null;
    const again = await embed(upstream, protocol, squeezed.wire, request.fields, signal).catch((error: unknown) => {
      // A pod that does not answer the gateway's own request says nothing of this one.
      if (error instanceof EmbedFailed) return null;
      throw error;
    });
    if (!again) return null;
    metrics.taken(upstream.digest, "bypassed", again.length);
    const scores = scoreSqueezed(squeezed, vectors, again, random);
    this.#flags(exchange, scores);
    return scores;
  }
}

/** Whether the candidate refused what the stable model might not. */
function isDoubtful({ pool, status }: Exchange): boolean {
  return pool === "candidate" && isRefusal(status);
}

function keepIn(underWay: Set<Promise<void>>, one: Promise<void>): void {
  underWay.add(one);
  void one.finally(() => underWay.delete(one));
}

function isSuccess({ status }: Exchange): boolean {
  return isAnswer(status);
}

/** How many inputs a request has, for when its answer does not tell: null when it does not tell either. */
function inputsOf({ request }: Exchange, protocol: Protocol): number | null {
  if (request === null) return null;
  try {
    return protocol.readRequest(request).inputs.length;
  } catch (error) {
    if (!(error instanceof Unparsed)) throw error;
    return null;
  }
}

function sizeOf({ request, answer }: Exchange): number {
  return (request?.length ?? 0) + (answer?.length ?? 0);
}
