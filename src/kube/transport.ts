import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { type Dispatcher, errors, request } from "undici";
import { type Clock, sleep, systemClock } from "./clock.ts";
import type { Credentials } from "./config.ts";
import type { Contact } from "./contact.ts";
import { errorFromStatus, isKubeError, KubeError } from "./error.ts";
import type { Fence } from "./fence.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Of the body; JSON when absent. */
  readonly contentType?: string;
  /** What is tried, for messages: "get Pod x/y". */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** For the whole call with its retries; for a stream, until its headers have come. */
  readonly timeoutMs: number;
  /** Lease renewals pass the client's rate limit: they must not queue behind a thousand writes. */
  readonly urgent?: boolean;
  /** The write is sent only while this holds, and given up when it ends. */
  readonly fence?: Fence | undefined;
}

export interface TransportOptions {
  credentials: Credentials;
  userAgent: string;
  /** Requests a second in the long run, and at once. */
  qps: number;
  burst: number;
  /** Told of every request: its answer, its fault, and once when its answer is slow to come. */
  onContact?: ((contact: Contact) => void) | undefined;
  clock?: Clock;
}

/** Network errors of a read are tried again this often, with growing pauses. */
const readAttempts = 4;
/** Asked for by a 429 without Retry-After. */
const defaultRetryAfterMs = 1_000;
/** An answer that has not come by then is told of: deadlines are too long to leave a person in the dark. */
const slowAfterMs = 5_000;

/** Sends requests to one API server: deadlines, rate limit, retries that are safe, typed errors. */
export class Transport {
  readonly credentials: Credentials;
  readonly #userAgent: string;
  readonly #bucket: TokenBucket;
  readonly #onContact: (contact: Contact) => void;
  readonly #clock: Clock;

  constructor({ credentials, userAgent, qps, burst, onContact, clock = systemClock }: TransportOptions) {
    this.credentials = credentials;
    this.#userAgent = userAgent;
    this.#onContact = onContact ?? (() => {});
    this.#clock = clock;
    this.#bucket = new TokenBucket({ perSecond: qps, burst, clock });
  }

  /** The decoded JSON of a 2xx answer. */
  async json(call: ApiRequest): Promise<unknown> {
    return await this.#whole(call, (text) => {
      try {
        return JSON.parse(text) as unknown;
      } catch (cause) {
        throw new KubeError("Unavailable", `${call.what}: the answer is not whole JSON (${text.length} characters)`, {
          cause,
        });
      }
    });
  }

  async text(call: ApiRequest): Promise<string> {
    return await this.#whole(call, (text) => text);
  }

  async #whole<R>(call: ApiRequest, decode: (text: string) => R): Promise<R> {
    const deadline = new Deadline(call, this.#clock);
    try {
      return await this.#retrying(call, deadline, () =>
        this.#send(call, deadline, async (response) => decode(await readText(response))),
      );
    } finally {
      deadline.clear();
    }
  }

  /**
   * The body of a 2xx answer while it arrives. It ends with an error when the connection breaks or `signal` is aborted;
   * silence is for the reader to judge.
   */
  async stream(call: ApiRequest): Promise<Readable> {
    const deadline = new Deadline(call, this.#clock);
    try {
      const body = await this.#send(call, deadline, decoded);
      // From here on only the caller's signal ends it.
      deadline.lift();
      body.once("close", () => deadline.clear());
      return body;
    } catch (error) {
      deadline.clear();
      throw error;
    }
  }

  async #retrying<R>(call: ApiRequest, deadline: Deadline, attempt: () => Promise<R>): Promise<R> {
    for (let failures = 0; ; ) {
      try {
        return await attempt();
      } catch (thrown) {
        const error = deadline.explain(thrown, call);
        failures += 1;
        const wait = this.#pauseBeforeRetry(call, error, failures);
        if (wait === null || deadline.remaining() <= wait) throw error;
        try {
          await sleep(wait, deadline.signal, this.#clock);
        } catch (aborted) {
          throw deadline.explain(aborted, call);
        }
      }
    }
  }

  /** Milliseconds, or null when the error is the caller's to handle. */
  #pauseBeforeRetry(call: ApiRequest, error: KubeError, failures: number): number | null {
    // The server refused before doing anything, so even a write is safe to send again.
    if (error.kind === "TooManyRequests") return error.retryAfter ?? defaultRetryAfterMs;
    if (error.kind === "Unavailable" && (call.method === "GET" || neverSent(error)) && failures < readAttempts) {
      return error.retryAfter ?? (0.5 + Math.random()) * 50 * 4 ** (failures - 1);
    }
    return null;
  }

  async #send<R>(
    call: ApiRequest,
    deadline: Deadline,
    read: (response: Dispatcher.ResponseData) => R | Promise<R>,
  ): Promise<R> {
    try {
      if (!call.urgent) await this.#bucket.take(deadline.signal);
      return await this.#told(call, deadline, async () => await read(await this.#answer(call, deadline)));
    } catch (error) {
      throw deadline.explain(error, call);
    }
  }

  async #told<R>(call: ApiRequest, deadline: Deadline, exchange: () => Promise<R>): Promise<R> {
    const { server } = this.credentials;
    const { what } = call;
    const write = call.method !== "GET";
    const sentAt = this.#clock.monotonic();
    const tell = (error: KubeError | null) => this.#onContact({ server, what, write, sentAt, error });
    const stopWaiting = this.#clock.after(slowAfterMs, () =>
      tell(new KubeError("Timeout", `${what}: no answer for ${slowAfterMs} ms`)),
    );
    try {
      const answer = await exchange();
      tell(null);
      return answer;
    } catch (thrown) {
      const error = deadline.explain(thrown, call);
      // What this side gave up says nothing of the server.
      if (!isKubeError(error, "Aborted", "Fenced")) tell(error);
      throw error;
    } finally {
      stopWaiting();
    }
  }

  async #answer(call: ApiRequest, deadline: Deadline): Promise<Dispatcher.ResponseData> {
    let response = await this.#sendOnce(call, deadline, false);
    if (response.statusCode === 401) {
      await response.body.dump();
      response = await this.#sendOnce(call, deadline, true);
    }
    if (response.statusCode >= 200 && response.statusCode < 300) return response;
    throw await toError(response, call.what);
  }

  async #sendOnce(call: ApiRequest, deadline: Deadline, refused: boolean): Promise<Dispatcher.ResponseData> {
    const { dispatcher, headers } = await this.credentials.connection(refused);
    const { server } = this.credentials;
    const url = new URL(server.pathname.replace(/\/$/, "") + call.path, server);
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const withBody = call.body !== undefined;
    return await request(url, {
      method: call.method,
      dispatcher: call.fence ? call.fence.guard(dispatcher) : dispatcher,
      headers: {
        ...headers,
        "user-agent": this.#userAgent,
        accept: "application/json",
        "accept-encoding": "gzip",
        ...(withBody ? { "content-type": call.contentType ?? "application/json" } : {}),
      },
      ...(withBody ? { body: JSON.stringify(call.body) } : {}),
      signal: deadline.signal,
    });
  }
}

/** One timer and one signal for a call and its retries. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #clock: Clock;
  readonly #endsAt: number;
  readonly #cancelTimer: () => void;
  readonly #onOuterAbort: () => void;
  #expired = false;

  constructor({ signal, timeoutMs, fence }: ApiRequest, clock: Clock) {
    this.#outer = signal;
    this.#clock = clock;
    const ms = fence ? Math.min(timeoutMs, fence.remaining()) : timeoutMs;
    this.#endsAt = clock.monotonic() + ms;
    const expire = () => {
      this.#expired = true;
      this.#controller.abort();
    };
    this.#cancelTimer = clock.after(ms, expire);
    // A timer of 0 ms may fire after a quick answer. The end of a fence is judged apart, where it is told from lateness.
    if (timeoutMs <= 0) expire();
    this.#onOuterAbort = () => this.#controller.abort(signal?.reason);
    if (signal?.aborted) this.#onOuterAbort();
    else signal?.addEventListener("abort", this.#onOuterAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  remaining(): number {
    return this.#endsAt - this.#clock.monotonic();
  }

  lift(): void {
    this.#cancelTimer();
  }

  clear(): void {
    this.#cancelTimer();
    this.#outer?.removeEventListener("abort", this.#onOuterAbort);
  }

  explain(error: unknown, { what, timeoutMs, fence }: ApiRequest): KubeError {
    if (isKubeError(error)) return error;
    if (fence && !fence.holds()) {
      return new KubeError("Fenced", `${what}: leadership is lost or ends too soon`, { cause: error });
    }
    if (this.#outer?.aborted) return new KubeError("Aborted", `${what}: aborted by the caller`, { cause: error });
    if (this.#expired) return new KubeError("Timeout", `${what}: no answer within ${timeoutMs} ms`, { cause: error });
    const reason = error instanceof Error ? error.message || error.name : String(error);
    return new KubeError("Unavailable", `${what}: ${reason}`, { cause: error });
  }
}

function decoded(response: Dispatcher.ResponseData): Readable {
  const encoding = response.headers["content-encoding"];
  if (encoding === undefined || encoding === "identity") return response.body;
  if (encoding !== "gzip")
    throw new KubeError("Unavailable", `answer in an encoding that was not asked for: ${String(encoding)}`);
  const gunzip = createGunzip();
  response.body.on("error", (error) => gunzip.destroy(error));
  gunzip.on("close", () => response.body.destroy());
  return response.body.pipe(gunzip);
}

async function readText(response: Dispatcher.ResponseData): Promise<string> {
  if (response.headers["content-encoding"] === undefined) return await response.body.text();
  const chunks: Buffer[] = [];
  for await (const chunk of decoded(response)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function toError(response: Dispatcher.ResponseData, what: string): Promise<KubeError> {
  let body: unknown;
  try {
    body = await readText(response);
    if (typeof body === "string") body = JSON.parse(body);
  } catch {
    // A proxy's page or a body that broke off: the status alone must do.
  }
  const retryAfter = response.headers["retry-after"];
  return errorFromStatus(response.statusCode, body, what, Array.isArray(retryAfter) ? retryAfter[0] : retryAfter);
}

/** The connection was refused, so nothing can have happened. */
function neverSent({ cause }: KubeError): boolean {
  if (cause instanceof errors.ConnectTimeoutError) return true;
  return cause instanceof Error && "code" in cause && (cause.code === "ECONNREFUSED" || cause.code === "ENOTFOUND");
}
