import { hash } from "node:crypto";
import type { GatewayConfig } from "../api/index.ts";

export type PoolName = "stable" | "candidate";

/** What of a request decides about its way. */
export type RouteKey = {
  /** Value of the configured header, or the connection's address. */
  readonly key: string;
  /** Whether the request writes to the index: its vectors must all be of one model (decision 22). */
  readonly documents: boolean;
};

/**
 * Position of a key on the ring, uniform in [0, 1): the first 48 bits of SHA-256(salt, line feed, key), alike on every
 * replica. A key belongs to the candidate while its position is under the weight, so raising the weight moves keys to the
 * candidate and never one back.
 */
export function position(salt: string, key: string): number {
  return Number.parseInt(hash("sha256", `${salt}\n${key}`, "hex").slice(0, 12), 16) / 2 ** 48;
}

/**
 * Pool of a request. Documents stay on stable until promotion; at weight 100 the workload itself is being moved, so they
 * go along once stable has no pod left. When a version is left because it is bad they leave it at once.
 *
 * A key of the candidate falls back to stable while the candidate has no pod; never the other way round, because another
 * model's vectors are worse than a 503.
 */
export function choosePool(
  routing: GatewayConfig["routing"],
  { key, documents }: RouteKey,
  has: (pool: PoolName) => boolean,
): PoolName {
  const { candidate, salt } = routing;
  if (!candidate || candidate.weight === 0 || !has("candidate")) return "stable";
  if (documents) return candidate.documents || (candidate.weight === 100 && !has("stable")) ? "candidate" : "stable";
  return candidate.weight === 100 || position(salt, key) < candidate.weight / 100 ? "candidate" : "stable";
}
