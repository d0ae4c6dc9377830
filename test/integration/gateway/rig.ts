import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createConnection, type Socket } from "node:net";
import type { Certificate } from "../../../src/gateway/certificate.ts";
import type { Exchange } from "../../../src/gateway/exchange.ts";
import type { Guard } from "../../../src/gateway/guard.ts";
import { defaultLimits, type ProxyLimits } from "../../../src/gateway/limits.ts";
import type { ProtectionAction, Route } from "../../../src/gateway/proxied-request.ts";
import { Proxy } from "../../../src/gateway/proxy.ts";
import type { RouteKey } from "../../../src/gateway/routing.ts";
import { Upstream } from "../../../src/gateway/upstream.ts";

export const digest = `sha256:${"a".repeat(64)}`;

/** A server on loopback. */
export type TestServer = { readonly port: number; readonly server: Server; close(): Promise<void> };

export async function serve(
  listener: RequestListener,
  { host, port }: { host: string; port: number } = { host: "127.0.0.1", port: 0 },
): Promise<TestServer> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener).listen(port, host);
  await once(server, "listening");
  const address = server.address();
  return {
    server,
    port: typeof address === "object" && address ? address.port : 0,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close").catch(() => {});
    },
  };
}

export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A listener that answers once the whole request is here. */
export function answering(
  answer: (body: Buffer, incoming: IncomingMessage, response: ServerResponse) => void | Promise<void>,
): RequestListener {
  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    await answer(await readBody(incoming), incoming, response);
  };
  return (incoming, response) => {
    handle(incoming, response).catch(() => response.destroy());
  };
}

/** What a proxy reported of itself. */
export type Counts = {
  inFlight: number;
  readonly codes: number[];
  readonly failures: string[];
  readonly actions: ProtectionAction[];
  readonly exchanges: Exchange[];
};

export type Rig = {
  readonly port: number;
  readonly proxy: Proxy;
  readonly upstreams: readonly Upstream[];
  readonly counts: Counts;
  close(): Promise<void>;
};

const noPod = { title: "No pod is ready", detail: "there is no pod" };

/** A proxy in front of servers on the given ports, asked in turn. */
export async function startRig(
  ports: readonly number[],
  options: {
    limits?: Partial<ProxyLimits>;
    guard?: Guard;
    certificate?: Certificate;
    route?: (key: RouteKey, pods: readonly Upstream[]) => Route;
  } = {},
): Promise<Rig> {
  const limits = { ...defaultLimits, ...options.limits };
  const upstreams = ports.map(
    (port, i) => new Upstream({ name: `pod-${i}`, digest, address: "127.0.0.1", port, timeouts: limits.upstream }),
  );
  const counts: Counts = { inFlight: 0, codes: [], failures: [], actions: [], exchanges: [] };
  const proxy = new Proxy({
    certificate: options.certificate ?? null,
    limits,
    rules: () => ({
      path: "/v1/embeddings",
      errorFields: ({ detail }) => ({ error: detail }),
      stickyHeader: null,
      clientHeader: "x-client",
      documents: [{ pathPrefix: "/documents" }],
    }),
    route: (key, except) => {
      if (options.route) return options.route(key, upstreams);
      const upstream = upstreams.find((candidate) => candidate !== except) ?? upstreams[0];
      if (!upstream) return { kind: "Nowhere", pool: "stable", model: digest, no: noPod };
      return { kind: "To", pool: "stable", upstream };
    },
    guard: () => options.guard ?? null,
    meter: {
      inFlight: (_pool, _model, change) => {
        counts.inFlight += change;
      },
      finished: (_pool, _model, code) => counts.codes.push(code),
      upstreamFailed: (_pool, _model, reason) => counts.failures.push(reason),
      protected: (_model, action) => counts.actions.push(action),
    },
    observe: (exchange) => counts.exchanges.push(exchange),
  });
  const port = await proxy.listen("127.0.0.1", 0);
  return {
    port,
    proxy,
    upstreams,
    counts,
    async close() {
      await proxy.close(0);
      await Promise.all(upstreams.map((upstream) => upstream.close(0)));
    },
  };
}

/** A bare connection, for what no HTTP client would do. */
export class RawClient {
  readonly socket: Socket;
  readonly chunks: Buffer[] = [];
  ended = false;
  closed = false;

  constructor(port: number, host = "127.0.0.1") {
    this.socket = createConnection({ port, host, allowHalfOpen: true });
    this.socket.on("data", (chunk) => this.chunks.push(chunk));
    this.socket.on("end", () => {
      this.ended = true;
    });
    this.socket.on("close", () => {
      this.closed = true;
    });
    this.socket.on("error", () => {});
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }
}
