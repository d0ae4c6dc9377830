import type { Readable } from "node:stream";
import { buildConnector, type Dispatcher, errors, Pool } from "undici";
import { answerFirst } from "./answer-first.ts";
import type { HeaderLines } from "./headers.ts";

/** Milliseconds that a pod may take; 0 is for ever. */
export type UpstreamTimeouts = {
  readonly connect: number;
  /** From the whole request to the answer's headers. */
  readonly headers: number;
  /** Between two pieces of the answer. */
  readonly body: number;
};

export type Outgoing = {
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderLines;
  readonly body: Buffer | Readable | null;
};

/** What is told of an answer, in this order: start, data*, then end or failed; or failed alone. */
export interface AnswerHandler {
  start(status: number, statusMessage: string, headers: HeaderLines): void;
  /** @returns false to have no more until `resume` */
  data(chunk: Buffer): boolean;
  end(): void;
  failed(failure: UpstreamFailure): void;
}

export type UpstreamFailure = {
  /** As in the metric of upstream errors. */
  readonly reason: "connect" | "reset" | "timeout";
  /** Whether a byte of the request may have reached the pod. */
  readonly sent: boolean;
  readonly message: string;
};

export interface Call {
  resume(): void;
  /** Gives up: the connection is closed and the handler is told nothing more. */
  abort(): void;
}

/** One pod, and the connections to it. */
export class Upstream {
  readonly name: string;
  readonly digest: string;
  readonly origin: string;
  readonly #pool: Pool;
  #inFlight = 0;

  constructor(options: { name: string; digest: string; address: string; port: number; timeouts: UpstreamTimeouts }) {
    const { name, digest, address, port, timeouts } = options;
    this.name = name;
    this.digest = digest;
    this.origin = `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
    const connect = buildConnector({ timeout: timeouts.connect });
    this.#pool = new Pool(this.origin, {
      connections: 512,
      pipelining: 1,
      connect: (to, done) => {
        connect(to, (...[error, socket]) => {
          if (error) done(error, null);
          else done(null, answerFirst(socket));
        });
      },
      headersTimeout: timeouts.headers,
      bodyTimeout: timeouts.body,
      maxHeaderSize: 64 * 1024,
    });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  call(request: Outgoing, handler: AnswerHandler): Call {
    const call = new UpstreamCall(handler, () => {
      this.#inFlight--;
    });
    this.#inFlight++;
    const { method, path, headers, body } = request;
    try {
      this.#pool.dispatch({ method, path, headers: [...headers], body }, call);
    } catch (error) {
      call.onResponseError(null, error instanceof Error ? error : new Error(String(error)));
    }
    return call;
  }

  /** Requests under way get `graceMs` to end. */
  async close(graceMs: number): Promise<void> {
    const timer = setTimeout(() => void this.#pool.destroy().catch(() => {}), graceMs);
    timer.unref();
    await this.#pool.close().catch(() => {});
    clearTimeout(timer);
  }
}

class UpstreamCall implements Call, Dispatcher.DispatchHandler {
  readonly #handler: AnswerHandler;
  readonly #onDone: () => void;
  #controller: Dispatcher.DispatchController | null = null;
  #state: "Waiting" | "Aborted" | "Done" = "Waiting";

  constructor(handler: AnswerHandler, onDone: () => void) {
    this.#handler = handler;
    this.#onDone = onDone;
  }

  resume(): void {
    this.#controller?.resume();
  }

  abort(): void {
    if (this.#state !== "Waiting") return;
    this.#finish("Aborted");
    this.#controller?.abort(new errors.RequestAbortedError());
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#state === "Aborted") controller.abort(new errors.RequestAbortedError());
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _parsed: unknown,
    statusMessage?: string,
  ): void {
    // Interim answers (103 and the like) end here: what they announce comes again with the answer.
    if (this.#state === "Waiting" && status >= 200) {
      this.#handler.start(status, statusMessage ?? "", rawLines(controller.rawHeaders));
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state === "Waiting" && !this.#handler.data(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#state !== "Waiting") return;
    this.#finish("Done");
    this.#handler.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#state !== "Waiting") return;
    this.#finish("Done");
    this.#handler.failed({ reason: reasonOf(error), sent: this.#controller !== null, message: error.message });
  }

  #finish(state: "Aborted" | "Done"): void {
    this.#state = state;
    this.#onDone();
  }
}

function reasonOf(error: Error): UpstreamFailure["reason"] {
  if (error instanceof errors.ConnectTimeoutError) return "connect";
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) return "timeout";
  if ("syscall" in error && error.syscall === "connect") return "connect";
  return "reset";
}

function rawLines(raw: Dispatcher.DispatchController["rawHeaders"]): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((part) => (typeof part === "string" ? part : part.toString("latin1")));
}
