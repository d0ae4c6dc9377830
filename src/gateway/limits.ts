import type { UpstreamTimeouts } from "./upstream.ts";

/** Bounds of the data path. None depends on the configuration, so that a gateway has them before it has one. */
export type ProxyLimits = {
  /** Largest request that is passed on; larger ones are answered with 413. */
  readonly maxBodyBytes: number;
  /** Bodies up to this are read at once and sent in one piece; larger ones flow through. */
  readonly wholeBytes: number;
  /** Bytes of a request or an answer that are copied for statistics, and kept to send a request again. */
  readonly copyBytes: number;
  /** A client that takes nothing of its answer for so long is given up. */
  readonly clientStallMs: number;
  /** A client may take so long to send a whole request. */
  readonly requestMs: number;
  /** A TLS handshake may take so long. Until it is done no request holds the connection, so that nothing else ends it. */
  readonly handshakeMs: number;
  readonly upstream: UpstreamTimeouts;
};

export const defaultLimits: ProxyLimits = {
  maxBodyBytes: 64 * 1024 * 1024,
  wholeBytes: 64 * 1024,
  copyBytes: 4 * 1024 * 1024,
  clientStallMs: 60_000,
  requestMs: 300_000,
  handshakeMs: 10_000,
  upstream: { connect: 2_000, headers: 60_000, body: 60_000 },
};
