import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { delimiter } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { Agent, type Dispatcher, ProxyAgent } from "undici";

/** Where the API server is and as whom to call it. */
export type ClusterConfig =
  /** The pod's own service account. */
  | { readonly inCluster: true }
  /** Text of a kubeconfig. */
  | { readonly kubeconfigText: string; readonly context?: string | undefined }
  /** Path of a kubeconfig; without one $KUBECONFIG, then ~/.kube/config, then the pod's service account. */
  | { readonly kubeconfig?: string | undefined; readonly context?: string | undefined };

/** How to send one request: credentials may change (tokens rotate, certificates are renewed). */
export interface Connection {
  readonly dispatcher: Dispatcher;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Credentials {
  readonly server: URL;
  /** Namespace of the context or of the service account. */
  readonly namespace: string | undefined;
  /** @param refused  set after a 401: what was given is no longer accepted */
  connection(refused?: boolean): Promise<Connection>;
  close(): Promise<void>;
}

/** Nothing says which cluster to ask, or what says so cannot be used. */
export class NoCluster extends Error {
  override readonly name = "NoCluster";
}

/** Files and exec plugins are looked at again this often. */
const freshForMs = 10_000;
/** After a 401 everything is loaded anew, but no more often than this: a plugin may be slow. */
const reloadAfterMs = 1_000;

/**
 * Loads the configuration and keeps credentials current.
 *
 * client-node loads, authenticates and knows the TLS material. The connections are ours: its own
 * `applySecurityAuthentication` opens a new pool, and so a new TLS handshake, for every request.
 */
export async function loadCredentials(config: ClusterConfig): Promise<Credentials> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const loaded = () => load(config, () => new KubeConfig());
  let kubeConfig = loaded();
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster) {
    throw new NoCluster(
      `no cluster is configured (context "${kubeConfig.getCurrentContext() ?? ""}"): give a kubeconfig, or run in a pod`,
    );
  }
  // client-node would say so too, at each request and not what to do.
  if (cluster.server.startsWith("http:") && !cluster.skipTLSVerify && !cluster.proxyUrl) {
    throw new NoCluster(
      `the kubeconfig's server ${cluster.server} has no TLS: give an https address, or set insecure-skip-tls-verify: true ` +
        "for one that only this machine reaches, such as that of `kubectl proxy`",
    );
  }

  let fingerprint = "";
  let pool: Dispatcher | null = null;
  let current: Connection | null = null;
  let readAt = 0;
  let loadedAt = 0;

  /** One at a time: a burst of first calls must not run a plugin a hundred times. */
  let underway: Promise<Connection> | null = null;

  async function connection(refused = false): Promise<Connection> {
    if (underway) return await underway;
    const now = performance.now();
    if (refused && now - loadedAt >= reloadAfterMs) {
      // client-node keeps tokens of files and plugins for as long as it believes in them: only a new start forgets them.
      kubeConfig = loaded();
      loadedAt = now;
      current = null;
    }
    if (current && now - readAt < freshForMs) return current;
    underway = read().finally(() => {
      underway = null;
    });
    current = await underway;
    readAt = now;
    return current;
  }

  async function read(): Promise<Connection> {
    const options: RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(options);
    const tls = fingerprintOf(options);
    if (!pool || tls !== fingerprint) {
      // Requests under way on the old pool end there; it is closed once they have.
      void pool?.close().catch(() => {});
      pool = openPool(kubeConfig, options);
      fingerprint = tls;
    }
    return { dispatcher: pool, headers: headersOf(options) };
  }

  return {
    server: new URL(cluster.server),
    namespace: kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace,
    connection,
    close: async () => {
      await pool?.destroy();
    },
  };
}

function load(config: ClusterConfig, empty: () => KubeConfig): KubeConfig {
  const kubeConfig = empty();
  if ("inCluster" in config) {
    if (!process.env["KUBERNETES_SERVICE_HOST"])
      throw new NoCluster("not in a cluster: KUBERNETES_SERVICE_HOST is not set");
    kubeConfig.loadFromCluster();
    return kubeConfig;
  }
  if ("kubeconfigText" in config) kubeConfig.loadFromString(config.kubeconfigText);
  else if (config.kubeconfig !== undefined) {
    const path = config.kubeconfig;
    named(path, () => kubeConfig.loadFromFile(path));
  } else {
    const files = kubeconfigFiles();
    if (files.length === 0 && !process.env["KUBERNETES_SERVICE_HOST"])
      throw new NoCluster("no kubeconfig: set KUBECONFIG, give --kubeconfig, or run in a pod");
    if (files.length === 0) kubeConfig.loadFromCluster();
    for (const file of files) {
      named(file, () => {
        const next = empty();
        next.loadFromFile(file);
        // The first file that names a current context decides, as for kubectl.
        kubeConfig.mergeConfig(next, Boolean(kubeConfig.getCurrentContext()));
      });
    }
  }
  if (config.context !== undefined) {
    if (!kubeConfig.getContextObject(config.context)) {
      const known = kubeConfig.getContexts().map(({ name }) => name);
      throw new NoCluster(`context "${config.context}" is not in the kubeconfig, which has: ${known.join(", ")}`);
    }
    kubeConfig.setCurrentContext(config.context);
  }
  return kubeConfig;
}

/** The files of $KUBECONFIG that are there, as kubectl takes them; where it is not set, that of the home folder. */
function kubeconfigFiles(): readonly string[] {
  const listed = (process.env["KUBECONFIG"] ?? "").split(delimiter).filter((file) => file !== "");
  if (listed.length === 0) return [`${process.env["HOME"]}/.kube/config`].filter((file) => existsSync(file));
  const there = listed.filter((file) => existsSync(file));
  if (there.length > 0) return [...new Set(there)];
  throw new NoCluster(`no kubeconfig: KUBECONFIG names ${listed.join(", ")}, where there is none`);
}

/** Says which file cannot be read, and not what stands in it: parsers quote the lines that they stumble over. */
function named(path: string, read: () => void): void {
  try {
    read();
  } catch (error) {
    const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    // Without its cause: a parser quotes the file, which holds tokens.
    throw new NoCluster(`kubeconfig ${path} cannot be read: ${why}`);
  }
}

function openPool(kubeConfig: KubeConfig, options: RequestOptions): Dispatcher {
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  const tls = Object.fromEntries(
    Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(([, value]) => value !== undefined),
  );
  // HTTP/1.1: one stalled stream must not hold up every other request of the process on a shared connection.
  const shared = { allowH2: false, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000 };
  const connect = { ...tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 };
  const shape = kubeConfig.createDispatcherOptions(kubeConfig.getCurrentCluster(), tls);
  if (shape.type === "socks") {
    throw new NoCluster("a SOCKS proxy-url in the kubeconfig is not supported; an HTTP proxy is");
  }
  if (shape.type === "proxy") return new ProxyAgent({ ...shared, uri: shape.uri, requestTls: tls, connect });
  return new Agent({ ...shared, connect });
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) flat[name] = String(value);
  if (auth) flat["Authorization"] = `Basic ${Buffer.from(auth).toString("base64")}`;
  return flat;
}

function fingerprintOf({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions): string {
  // client-node gives the material as buffers, which JSON spells out.
  return createHash("sha256")
    .update(JSON.stringify([ca, cert, key, servername, rejectUnauthorized]))
    .digest("base64");
}
