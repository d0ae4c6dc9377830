import type { GuardVerdict } from "./guard.ts";
import type { HeaderLines } from "./headers.ts";
import type { PoolName } from "./routing.ts";
import type { Upstream } from "./upstream.ts";

/** A request for embeddings and its answer, copied while they passed. */
export type Exchange = {
  readonly pool: PoolName;
  readonly upstream: Upstream;
  /** Null when it was too large to keep. */
  readonly request: Buffer | null;
  /** How a copy of it is asked: the path with its query, and the headers that say how its body is written. */
  readonly asked: { readonly path: string; readonly headers: HeaderLines };
  readonly status: number;
  /** Null when it was too large to keep. */
  readonly answer: Buffer | null;
  /** Content-Encoding of the answer; null when it has none. */
  readonly encoding: string | null;
  /** What names the client, as it was sent; null when it was not. */
  readonly client: string | null;
  /** What protection said of it; null when it was not asked. */
  readonly verdict: GuardVerdict | null;
  /** Whether its vectors went to a client that puts them into an index. */
  readonly documents: boolean;
  /** When it was answered, ms of Unix time. */
  readonly at: number;
};
