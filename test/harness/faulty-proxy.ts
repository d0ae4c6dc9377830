import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Agent, createServer as createTlsServer, request } from "node:https";
import type { Readable } from "node:stream";
import { type ApiCall, type ApiWrite, isWrite, readCall } from "./api-request.ts";

/** What goes wrong with one request. */
export type Fault =
  /** The proxy answers itself, with a Status object. */
  | { readonly kind: "Answer"; readonly status: number; readonly reason?: string; readonly retryAfterSeconds?: number }
  /** The request is held back, then goes through. */
  | { readonly kind: "Delay"; readonly ms: number }
  /** The request is taken and never answered. */
  | { readonly kind: "NeverAnswer" }
  /** The answer breaks off after so many bytes, or so many lines of a watch. */
  | ({ readonly kind: "Cut"; readonly how?: Ending } & Amount)
  /** As Cut, with half of the next line. */
  | { readonly kind: "HalfLine"; readonly afterLines: number; readonly how?: Ending }
  /** The answer goes silent and the connection stays open. */
  | ({ readonly kind: "Stall" } & Amount)
  /** A line of the proxy's own, then the answer ends: an ERROR event, or rubbish. */
  | { readonly kind: "Inject"; readonly afterLines: number; readonly line: string };

type Amount = { readonly afterBytes: number } | { readonly afterLines: number };
/** A clean end of the answer, or a reset of the connection. */
type Ending = "End" | "Reset";

export interface FaultRule {
  readonly when: (call: ApiCall) => boolean;
  /** A function gives each request that it strikes a fault of its own. */
  readonly fault: Fault | ((call: ApiCall) => Fault);
  /** How many requests it strikes; default 1. */
  readonly times?: number;
}

/** Called around each write. What it returns says whether the exchange goes on. */
export interface WriteHooks {
  /** Before the server sees it. `Drop`: it never does, and the client's connection is reset. */
  readonly before?: (write: ApiWrite) => HookAnswer | Promise<HookAnswer>;
  /** After the server has done it, before the client knows. `Drop`: the client never learns. */
  readonly after?: (write: ApiWrite, answer: { status: number; body: unknown }) => HookAnswer | Promise<HookAnswer>;
}

type HookAnswer = "Continue" | "Drop";

export interface FaultyProxyOptions {
  readonly upstream: { readonly url: string; readonly ca: string };
  /** With these it speaks TLS. The API server's own (in its certificates folder) fit every client of it. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly hooks?: WriteHooks;
}

/** A proxy in front of an API server that does as it is told. */
export class FaultyProxy {
  readonly url: string;
  /** Every call that came, oldest first. */
  readonly calls: ApiCall[] = [];
  /** Every answer that came from the API server. */
  readonly answers: { readonly call: ApiCall; readonly status: number; readonly encoding: string }[] = [];
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #upstream: URL;
  readonly #rules = new Set<{ rule: FaultRule; left: number }>();
  #hooks: WriteHooks;

  private constructor(server: Server, url: string, { upstream, hooks = {} }: FaultyProxyOptions) {
    this.#server = server;
    this.url = url;
    this.#upstream = new URL(upstream.url);
    this.#agent = new Agent({ ca: upstream.ca, keepAlive: true });
    this.#hooks = hooks;
    server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      this.#handle(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  static async start(options: FaultyProxyOptions): Promise<FaultyProxy> {
    const server = options.tls ? createTlsServer(options.tls) : createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not listening on TCP");
    return new FaultyProxy(server, `${options.tls ? "https" : "http"}://127.0.0.1:${address.port}`, options);
  }

  /** From now on; returns how to take it back, and whether it has struck as often as it should. */
  fault(rule: FaultRule): { readonly remove: () => void; readonly spent: () => boolean } {
    const entry = { rule, left: rule.times ?? 1 };
    this.#rules.add(entry);
    return { remove: () => void this.#rules.delete(entry), spent: () => entry.left === 0 };
  }

  hook(hooks: WriteHooks): void {
    this.#hooks = hooks;
  }

  /** Resets every open connection, as a restart of a load balancer does. */
  cutAll(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await once(this.#server, "close").catch(() => {});
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const sent = await readAll(incoming);
    const body = parsed(sent);
    const call = readCall(incoming.method ?? "GET", incoming.url ?? "/", incoming.headers["content-type"] ?? "", body);
    this.calls.push(call);
    const fault = this.#faultFor(call);
    if (fault?.kind === "Answer") return answer(outgoing, fault);
    if (fault?.kind === "NeverAnswer") return;
    if (fault?.kind === "Delay") await new Promise((resolve) => setTimeout(resolve, fault.ms));
    if (isWrite(call))
      return this.#forwardWrite({ ...call, dryRun: call.query.has("dryRun"), body }, sent, incoming, outgoing);
    const response = await this.#forward(call, sent, incoming, outgoing);
    // The length would be a lie, and keep the client waiting for the rest.
    if (fault) delete response.headers["content-length"];
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    outgoing.flushHeaders();
    await relay(response, outgoing, fault);
  }

  async #forwardWrite(
    write: ApiWrite,
    sent: Buffer,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    if ((await this.#hooks.before?.(write)) === "Drop") return void outgoing.destroy();
    const response = await this.#forward(write, sent, incoming, outgoing);
    const received = await readAll(response);
    const status = response.statusCode ?? 502;
    if ((await this.#hooks.after?.(write, { status, body: parsed(received) })) === "Drop")
      return void outgoing.destroy();
    outgoing.writeHead(status, response.headers);
    outgoing.end(received);
  }

  async #forward(
    call: ApiCall,
    sent: Buffer,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<IncomingMessage> {
    const { host: _, connection: __, "transfer-encoding": ___, ...headers } = incoming.headers;
    const upstream = request({
      agent: this.#agent,
      host: this.#upstream.hostname,
      port: this.#upstream.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...headers, host: this.#upstream.host, ...(sent.length > 0 ? { "content-length": sent.length } : {}) },
    });
    outgoing.once("close", () => upstream.destroy());
    upstream.end(sent);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      upstream.once("response", resolve).once("error", reject);
    });
    response.on("error", () => outgoing.destroy());
    this.answers.push({ call, status: response.statusCode ?? 0, encoding: response.headers["content-encoding"] ?? "" });
    return response;
  }

  #faultFor(call: ApiCall): Fault | undefined {
    for (const entry of this.#rules) {
      if (entry.left > 0 && entry.rule.when(call)) {
        entry.left -= 1;
        const { fault } = entry.rule;
        return typeof fault === "function" ? fault(call) : fault;
      }
    }
    return undefined;
  }
}

/** Passes an answer on until the fault strikes. */
async function relay(response: Readable, outgoing: ServerResponse, fault: Fault | undefined): Promise<void> {
  const limit = fault && ("afterBytes" in fault || "afterLines" in fault) ? fault : null;
  let bytes = 0;
  let lines = 0;
  for await (const chunk of bytesOf(response)) {
    if (!limit) {
      outgoing.write(chunk);
      continue;
    }
    const passed =
      "afterBytes" in limit
        ? Math.min(chunk.length, limit.afterBytes - bytes)
        : upToLine(chunk, limit.afterLines - lines);
    outgoing.write(chunk.subarray(0, passed));
    bytes += passed;
    lines += count(chunk.subarray(0, passed));
    const reached = "afterBytes" in limit ? bytes >= limit.afterBytes : lines >= limit.afterLines;
    if (reached && strike(limit, chunk.subarray(passed), response, outgoing) === "Struck") return;
  }
  if (limit?.kind !== "Stall") outgoing.end();
}

/** `Waiting`: the fault needs to see more of the answer, of which nothing passes any more. */
function strike(
  fault: Exclude<Fault, { kind: "Answer" | "Delay" | "NeverAnswer" }>,
  next: Buffer,
  response: Readable,
  outgoing: ServerResponse,
): "Struck" | "Waiting" {
  switch (fault.kind) {
    case "Stall":
      return "Waiting";
    case "HalfLine": {
      if (next.length === 0) return "Waiting";
      const end = next.indexOf("\n");
      outgoing.write(next.subarray(0, Math.floor((end < 0 ? next.length : end) / 2)));
      finish(outgoing, response, fault.how ?? "End");
      break;
    }
    case "Inject":
      outgoing.write(`${fault.line}\n`);
      finish(outgoing, response, "End");
      break;
    case "Cut":
      finish(outgoing, response, fault.how ?? "Reset");
      break;
  }
  return "Struck";
}

function finish(outgoing: ServerResponse, response: Readable, how: Ending): void {
  response.removeAllListeners("error").on("error", () => {});
  response.destroy();
  if (how === "End") outgoing.end();
  // Once the bytes before are out.
  else outgoing.write("", () => outgoing.destroy());
}

function upToLine(chunk: Buffer, lines: number): number {
  let end = 0;
  for (let line = 0; line < lines; line += 1) {
    const newline = chunk.indexOf("\n", end);
    if (newline < 0) return chunk.length;
    end = newline + 1;
  }
  return end;
}

function count(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf("\n"); at >= 0; at = chunk.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

function answer(
  outgoing: ServerResponse,
  { status, reason = "", retryAfterSeconds }: Fault & { kind: "Answer" },
): void {
  const headers = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  outgoing.writeHead(status, { "content-type": "application/json", ...headers });
  outgoing.end(
    JSON.stringify({
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      reason,
      code: status,
      message: "said the faulty proxy",
    }),
  );
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytesOf(stream)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The chunks of a stream, which outlives a reader that stops early. */
function bytesOf(stream: Readable): AsyncIterable<Buffer> {
  return stream.iterator({ destroyOnReturn: false });
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return null;
  }
}
