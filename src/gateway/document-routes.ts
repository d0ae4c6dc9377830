import type { IncomingMessage } from "node:http";
import type { GatewayConfig } from "../api/index.ts";
import { routeHeader } from "./headers.ts";

export type DocumentRoutes = GatewayConfig["routes"]["documents"];

export type RoutedPath = {
  /** Whether the request writes to the index. */
  readonly documents: boolean;
  /** Path and query as the pod is asked. */
  readonly url: string;
  /** What evenkeel's header says, when it is nothing that it can say: a slip there would put documents on a candidate. */
  readonly misnamed: string | null;
};

const routeNames: readonly string[] = ["documents", "queries"];

/**
 * Tells writes to the index from reads (decision 22): by evenkeel's own header, or by a route for clients that cannot set
 * it. All that a route names must match, and any route will do, as with the matches of a Gateway API HTTPRoute; the first
 * of those that match and have a prefix takes it off.
 */
export function routedPath(
  { url = "/", headers }: Pick<IncomingMessage, "url" | "headers">,
  routes: DocumentRoutes,
): RoutedPath {
  const matching = routes.filter(
    ({ pathPrefix, header }) =>
      (pathPrefix === undefined || withoutPrefix(url, pathPrefix) !== null) &&
      (header === undefined || headers[header.name.toLowerCase()] === header.value),
  );
  const prefix = matching.find(({ pathPrefix }) => pathPrefix !== undefined)?.pathPrefix;
  const stripped = prefix === undefined ? null : withoutPrefix(url, prefix);
  const named = headers[routeHeader];
  const name = named === undefined ? null : String(named).toLowerCase();
  return {
    documents: matching.length > 0 || name === "documents",
    url: stripped ?? url,
    misnamed: name === null || routeNames.includes(name) ? null : String(named),
  };
}

/** @returns null when the path does not begin with these segments */
function withoutPrefix(url: string, prefix: string): string | null {
  if (!url.startsWith(prefix)) return null;
  const rest = url.slice(prefix.length);
  if (rest === "" || rest.startsWith("?")) return `/${rest}`;
  return rest.startsWith("/") ? rest : null;
}
