import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer, type Server as SecureServer } from "node:https";
import type { Socket } from "node:net";
import type { Certificate } from "./certificate.ts";
import { type DocumentRoutes, routedPath } from "./document-routes.ts";
import type { Exchange } from "./exchange.ts";
import type { Guard } from "./guard.ts";
import { modelLines, routeHeader } from "./headers.ts";
import type { ProxyLimits } from "./limits.ts";
import { answerProblem } from "./problem.ts";
import type { Protocol } from "./protocols/index.ts";
import { clientClosedRequest, modelOn, ProxiedRequest, type ProxyMeter, type Route } from "./proxied-request.ts";
import { BodyTooLarge, RequestBody, readWhole } from "./request-body.ts";
import type { RouteKey } from "./routing.ts";
import type { Upstream } from "./upstream.ts";

/** What of the configuration a request is read by. */
export type RequestRules = {
  /** Path of requests for embeddings. */
  readonly path: string;
  /** How the protocol's clients are told of failures; null before there is a configuration. */
  readonly errorFields: Protocol["errorFields"] | null;
  readonly stickyHeader: string | null;
  /** Header that names the client, for capture. */
  readonly clientHeader: string | null;
  /** What tells requests that write to the index. */
  readonly documents: DocumentRoutes;
};

export type ProxyOptions = {
  /** Null: plain HTTP. */
  readonly certificate: Certificate | null;
  readonly limits: ProxyLimits;
  readonly rules: () => RequestRules;
  readonly route: (key: RouteKey, except: Upstream | null) => Route;
  /** Null while protection is not on. */
  readonly guard: () => Guard | null;
  readonly meter: ProxyMeter;
  readonly observe: (exchange: Exchange) => void;
};

function shownBy({ cert, key }: Certificate) {
  return { cert, key, minVersion: "TLSv1.2" } as const;
}

/** The second must come after the reset that the first brings about: a round trip. */
const probeAfterMs = [0, 200, 1000];

/** The data port: takes requests, gives each to a pod, and passes the answer on as it comes. */
export class Proxy {
  readonly #options: ProxyOptions;
  readonly #server: Server | SecureServer;
  /** The answer under way on each connection. */
  readonly #answering = new WeakMap<Socket, ServerResponse>();
  #draining = false;

  constructor(options: ProxyOptions) {
    this.#options = options;
    const { certificate, limits } = options;
    const timeouts = { requestTimeout: limits.requestMs, headersTimeout: 20_000, keepAliveTimeout: 65_000 };
    this.#server = certificate
      ? createSecureServer({ ...timeouts, handshakeTimeout: limits.handshakeMs, ...shownBy(certificate) })
      : createServer(timeouts);
    this.#server.on("request", (request, response) => this.#handle(request, response, false));
    this.#server.on("checkContinue", (request, response) => this.#handle(request, response, true));
    // With TLS the end of a client's half is the end of the connection (RFC 5246, 7.2.1).
    if (certificate) return;
    // A client may close its half of the connection once its request is out and still want the answer; one that has
    // gone looks just the same. In Node's lib/_http_server.js, not in its types.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#server.on("connection", (socket) => socket.once("end", () => this.#probe(socket)));
  }

  /** For connections to come; those that are open keep what they were shown. */
  renew(certificate: Certificate): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext(shownBy(certificate));
  }

  /** @returns the port, which is another one than asked for when that is 0 */
  async listen(host: string, port: number): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : port;
  }

  /** Connections are closed after their next answer, so that clients go elsewhere; new ones are still served. */
  startDraining(): void {
    this.#draining = true;
  }

  /** Takes no more connections; what is under way gets `graceMs` to end. */
  async close(graceMs: number): Promise<void> {
    this.#draining = true;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(timer);
  }

  /**
   * Tells a client that has gone from one that has closed its half: both look the same, but one that has gone resets the
   * connection at the first byte, which the second byte then meets. A client that listens ignores interim answers.
   */
  #probe(socket: Socket): void {
    const response = this.#answering.get(socket);
    if (!response) return;
    const timers = probeAfterMs.map((ms) =>
      setTimeout(() => {
        if (!response.headersSent && !response.destroyed) response.writeProcessing();
      }, ms),
    );
    response.once("close", () => timers.forEach(clearTimeout));
  }

  #handle(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const { limits, route, rules: rulesNow } = this.#options;
    this.#answering.set(request.socket, response);
    const rules = rulesNow();
    const { documents, url, misnamed } = routedPath(request, rules.documents);
    const key = { key: stickyKey(request, rules), documents };
    const length = Number(request.headers["content-length"] ?? Number.NaN);
    const refuse = (status: number, title: string, detail: string): void => {
      const headers = ["connection", "close", ...modelLines(modelOn(route(key, null)))];
      answerProblem(response, { status, title, detail, headers, errorFields: rules.errorFields });
    };
    if (length > limits.maxBodyBytes) {
      refuse(413, "Request too large", `${length} bytes; at most ${limits.maxBodyBytes} are passed on`);
      return;
    }
    if (misnamed !== null) {
      refuse(400, "Unknown route", `${routeHeader}: ${misnamed}: must be documents or queries`);
      return;
    }
    if (expectsContinue) response.writeContinue();
    const { guard: guardNow, meter, observe } = this.#options;
    const embeds = request.method === "POST" && pathOf(url) === rules.path;
    const guard = embeds ? guardNow() : null;
    const forward = (body: Buffer | RequestBody | null): void => {
      const proxied = new ProxiedRequest({
        request,
        url,
        response,
        body,
        embeds,
        errorFields: rules.errorFields,
        documents: key.documents,
        client: rules.clientHeader === null ? null : oneValue(request, rules.clientHeader),
        guard,
        limits,
        route: (except) => route(key, except),
        meter,
        observe,
        closing: () => this.#draining,
      });
      proxied.send();
    };
    const startedAt = performance.now();
    /** The client left before its request was whole: no pod is asked, and it is counted as any other that leaves. */
    const leave = (): void => {
      const found = route(key, null);
      response.destroy();
      meter.finished(found.pool, modelOn(found), clientClosedRequest, (performance.now() - startedAt) / 1000);
    };
    if (length <= limits.wholeBytes) {
      readWhole(request, length).then(forward, leave);
      return;
    }
    if (Number.isNaN(length) && request.headers["transfer-encoding"] === undefined) {
      forward(null);
      return;
    }
    const keep = Math.max(limits.copyBytes, guard?.maxBytes ?? 0);
    const body = new RequestBody(request, limits.maxBodyBytes, keep);
    if (guard === null) {
      forward(body);
      return;
    }
    // Protection needs the whole input before it can score it, however it is sent: chunks are no way around it.
    body.collect(guard.maxBytes).then(
      (whole) => forward(whole ?? body),
      (error: unknown) => (error instanceof BodyTooLarge ? forward(body) : leave()),
    );
  }
}

function stickyKey(request: IncomingMessage, { stickyHeader }: RequestRules): string {
  const sticky = stickyHeader === null ? null : oneValue(request, stickyHeader);
  return sticky ?? request.socket.remoteAddress ?? "";
}

function oneValue(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name.toLowerCase()];
  return value === undefined ? null : String(value);
}

function pathOf(url: string): string {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}
