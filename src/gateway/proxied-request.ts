import type { IncomingMessage, ServerResponse } from "node:http";
import { ByteTap } from "./byte-tap.ts";
import type { Exchange } from "./exchange.ts";
import type { Guard, GuardVerdict } from "./guard.ts";
import { anomalyHeader, forwardable, type HeaderLines, headerValue, modelHeader, modelLines } from "./headers.ts";
import { type AnswerHead, HeldAnswer } from "./held-answer.ts";
import type { ProxyLimits } from "./limits.ts";
import { answerProblem, type Problem } from "./problem.ts";
import type { Protocol } from "./protocols/index.ts";
import { BodyTooLarge, type RequestBody } from "./request-body.ts";
import type { PoolName } from "./routing.ts";
import type { AnswerHandler, Call, Outgoing, Upstream, UpstreamFailure } from "./upstream.ts";

export type Route =
  | { readonly kind: "To"; readonly pool: PoolName; readonly upstream: Upstream }
  | { readonly kind: "Nowhere"; readonly pool: PoolName; readonly model: string; readonly no: NoPod };

/** Why there is no pod to ask. */
export type NoPod = { readonly title: string; readonly detail: string };

/** Model that answers on a route, or would; "" before there is a configuration. */
export function modelOn(route: Route): string {
  return route.kind === "To" ? route.upstream.digest : route.model;
}

export type ProtectionAction = "tagged" | "blocked" | "passed" | "unscored";

/** How requests fare, for the metrics. */
export interface ProxyMeter {
  /** @param change  1 when a request is begun, −1 when it is over */
  inFlight(pool: PoolName, model: string, change: 1 | -1): void;
  /** @param code  status that the client was sent; 499 when it went away, 502 when the pod broke off midway */
  finished(pool: PoolName, model: string, code: number, seconds: number): void;
  upstreamFailed(pool: PoolName, model: string, reason: UpstreamFailure["reason"] | "none"): void;
  protected(model: string, action: ProtectionAction): void;
}

export type ProxiedRequestOptions = {
  readonly request: IncomingMessage;
  /** Path and query as the pod is asked. */
  readonly url: string;
  readonly response: ServerResponse;
  /** In one piece, or as it comes. */
  readonly body: Buffer | RequestBody | null;
  /** Whether it asks for embeddings: then it may be sent twice, is observed and guarded. */
  readonly embeds: boolean;
  readonly errorFields: Protocol["errorFields"] | null;
  /** Whether it writes to an index. */
  readonly documents: boolean;
  readonly client: string | null;
  readonly guard: Guard | null;
  readonly limits: ProxyLimits;
  readonly route: (except: Upstream | null) => Route;
  readonly meter: ProxyMeter;
  readonly observe: (exchange: Exchange) => void;
  /** Whether the client should open another connection after this answer. */
  readonly closing: () => boolean;
};

const droppedFromRequest = new Set(["expect", "x-forwarded-for"]);
const droppedWithWholeBody = new Set([...droppedFromRequest, "content-length"]);
const droppedFromAnswer = new Set([modelHeader, anomalyHeader]);
/** The client closed its connection first; nginx's code, which never goes over the wire. */
export const clientClosedRequest = 499;

/** One request on its way: to a pod, perhaps to another, and its answer back. */
export class ProxiedRequest implements AnswerHandler {
  readonly #options: ProxiedRequestOptions;
  readonly #startedAt = performance.now();
  readonly #copy: ByteTap;
  #pool: PoolName = "stable";
  #model = "";
  #upstream: Upstream | null = null;
  #attempts = 0;
  #call: Call | null = null;
  #head: AnswerHead | null = null;
  #held: HeldAnswer | null = null;
  #stall: NodeJS.Timeout | null = null;
  #brokenOff = false;
  #closed = false;

  constructor(options: ProxiedRequestOptions) {
    this.#options = options;
    this.#copy = new ByteTap(options.embeds ? options.limits.copyBytes : 0);
  }

  send(): void {
    const { response, meter } = this.#options;
    response.once("close", () => this.#onClose());
    response.on("drain", () => {
      if (this.#stall) clearTimeout(this.#stall);
      this.#stall = null;
      this.#call?.resume();
    });
    this.#attempt(null);
    meter.inFlight(this.#pool, this.#model, 1);
  }

  start(status: number, statusMessage: string, lines: HeaderLines): void {
    const headers = [...forwardable(lines, droppedFromAnswer), ...modelLines(this.#model)];
    this.#head = { status, statusMessage, headers, encoding: headerValue(lines, "content-encoding") };
    if (this.#held && (status < 200 || status >= 300)) this.#stopHolding();
    if (!this.#held) this.#writeHead(this.#head);
  }

  data(chunk: Buffer): boolean {
    this.#copy.add(chunk);
    if (this.#held) {
      if (this.#held.add(chunk)) return true;
      const sofar = this.#stopHolding();
      if (this.#head) this.#writeHead(this.#head);
      return this.#write(Buffer.concat(sofar));
    }
    return this.#write(chunk);
  }

  end(): void {
    if (this.#held) {
      void this.#answerJudged(this.#held);
      return;
    }
    this.#options.response.end();
    this.#observe(null);
  }

  failed(failure: UpstreamFailure): void {
    const { meter, response, body, embeds, limits } = this.#options;
    const upstream = this.#upstream;
    if (this.#closed || !upstream) return;
    const bodyFailure = body && !Buffer.isBuffer(body) ? body.failure : null;
    if (bodyFailure instanceof BodyTooLarge) {
      const detail = `at most ${limits.maxBodyBytes} bytes are passed on`;
      this.#fail({
        status: 413,
        title: "Request too large",
        detail,
        headers: ["connection", "close", ...modelLines(this.#model)],
      });
      return;
    }
    if (bodyFailure) {
      response.destroy();
      return;
    }
    meter.upstreamFailed(this.#pool, this.#model, failure.reason);
    this.#stopHolding("Quietly");
    // A model gives the same answer to the same input, so it may be asked twice. What was not sent may always be.
    const repeatable = !failure.sent || (embeds && failure.reason !== "timeout");
    const whole = body === null || Buffer.isBuffer(body) || body.replayable();
    if (this.#head === null && this.#attempts < 2 && repeatable && whole) {
      this.#attempt(upstream);
      return;
    }
    this.#brokenOff = response.headersSent;
    const timeout = failure.reason === "timeout";
    this.#fail({
      status: timeout ? 504 : 502,
      title: timeout ? "The pod did not answer in time" : "The pod broke off",
      detail: `${upstream.name}: ${failure.message}`,
      headers: modelLines(this.#model),
    });
  }

  #attempt(except: Upstream | null): void {
    const { body, guard, meter, route } = this.#options;
    const found = route(except);
    if (except === null || found.kind === "To") this.#label(found);
    if (found.kind === "Nowhere") {
      meter.upstreamFailed(found.pool, found.model, "none");
      const headers = ["retry-after", "1", ...modelLines(found.model)];
      this.#fail({ status: 503, ...found.no, headers });
      return;
    }
    this.#upstream = found.upstream;
    this.#attempts++;
    if (guard && Buffer.isBuffer(body) && body.length <= guard.maxBytes) {
      this.#held = new HeldAnswer(guard, guard.begin(body, found.upstream));
    } else if (guard && this.#attempts === 1) {
      meter.protected(this.#model, "unscored");
    }
    this.#call = found.upstream.call(this.#outgoing(), this);
  }

  #fail(problem: Problem): void {
    const { response, errorFields, closing } = this.#options;
    if (closing()) response.shouldKeepAlive = false;
    answerProblem(response, { ...problem, errorFields });
  }

  #label(found: Route): void {
    const { meter } = this.#options;
    const moved = this.#attempts > 0;
    if (moved) meter.inFlight(this.#pool, this.#model, -1);
    this.#pool = found.pool;
    this.#model = modelOn(found);
    if (moved) meter.inFlight(this.#pool, this.#model, 1);
  }

  #outgoing(): Outgoing {
    const { request, url: path, body } = this.#options;
    const streamed = body !== null && !Buffer.isBuffer(body);
    const headers = forwardable(request.rawHeaders, streamed ? droppedFromRequest : droppedWithWholeBody);
    const before = request.headers["x-forwarded-for"];
    const address = request.socket.remoteAddress ?? "";
    headers.push("x-forwarded-for", before === undefined ? address : `${String(before)}, ${address}`);
    const { method = "GET" } = request;
    return { method, path, headers, body: streamed ? body.open() : body };
  }

  #writeHead({ status, statusMessage, headers }: AnswerHead): void {
    const { response, closing } = this.#options;
    if (closing()) response.shouldKeepAlive = false;
    response.writeHead(status, statusMessage, [...headers]);
  }

  #write(chunk: Buffer): boolean {
    const { response, limits } = this.#options;
    if (response.write(chunk)) return true;
    // The pod is held back until the client has taken what is there: nothing piles up here.
    this.#stall ??= setTimeout(() => response.destroy(), limits.clientStallMs);
    return false;
  }

  async #answerJudged(held: HeldAnswer): Promise<void> {
    const { guard, meter, response } = this.#options;
    const head = this.#head;
    const verdict = await held.judge(head?.encoding ?? null);
    if (this.#closed || !guard || !head) return;
    this.#held = null;
    const headers = [...head.headers];
    if (verdict.kind === "Flagged") {
      headers.push(anomalyHeader, verdict.score.toFixed(6));
      if (guard.mode === "Block") {
        meter.protected(this.#model, "blocked");
        this.#fail({
          status: 422,
          title: "Input looks adversarial",
          detail: "its embedding moves too far when the input is squeezed, and protection is on",
          headers: [...modelLines(this.#model), anomalyHeader, verdict.score.toFixed(6)],
        });
        this.#observe(verdict, "Withheld");
        return;
      }
    }
    meter.protected(this.#model, actions[verdict.kind]);
    this.#writeHead({ ...head, headers });
    response.end(Buffer.concat(held.chunks));
    this.#observe(verdict);
  }

  /** The answer does not wait for its score any longer. @returns what was held back */
  #stopHolding(how: "Counted" | "Quietly" = "Counted"): readonly Buffer[] {
    const held = this.#held;
    if (!held) return [];
    this.#held = null;
    held.cancel();
    if (how === "Counted") this.#options.meter.protected(this.#model, "unscored");
    return held.chunks;
  }

  #observe(verdict: GuardVerdict | null, answer: "Given" | "Withheld" = "Given"): void {
    const { embeds, documents, observe, body, client, request, url } = this.#options;
    if (!embeds || body === null || !this.#upstream || !this.#head) return;
    const { status, encoding } = this.#head;
    observe({
      pool: this.#pool,
      upstream: this.#upstream,
      request: Buffer.isBuffer(body) ? body : body.whole(),
      asked: { path: url, headers: bodyHeaders(request) },
      status,
      answer: this.#copy.bytes(),
      encoding,
      client,
      verdict,
      documents: documents && answer === "Given",
      at: Date.now(),
    });
  }

  #onClose(): void {
    const { response, body, meter } = this.#options;
    this.#closed = true;
    if (this.#stall) clearTimeout(this.#stall);
    this.#call?.abort();
    if (body && !Buffer.isBuffer(body)) body.discard();
    this.#stopHolding("Quietly");
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const code = response.writableFinished ? response.statusCode : this.#brokenOff ? 502 : clientClosedRequest;
    meter.inFlight(this.#pool, this.#model, -1);
    meter.finished(this.#pool, this.#model, code, seconds);
  }
}

function bodyHeaders({ headers }: IncomingMessage): string[] {
  const { "content-type": type, "content-encoding": encoding } = headers;
  return [
    ...(type === undefined ? [] : ["content-type", type]),
    ...(encoding === undefined ? [] : ["content-encoding", encoding]),
  ];
}

const actions = { Flagged: "tagged", Clean: "passed", Unscored: "unscored" } as const;
