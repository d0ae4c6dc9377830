import type { EmbeddingServiceSpec } from "../api/index.ts";
import { type Key, type Secret, type Stored, secrets } from "../kube/index.ts";
import { type Prometheus, prometheusClient, type SourceFault } from "../signals/index.ts";

type Wanted = EmbeddingServiceSpec["monitoring"]["prometheus"];
/** Why a Prometheus is not asked: something that the user must change. */
export type Refusal = { readonly reason: SourceFault; readonly message: string };
type Found = { readonly kind: "Source"; readonly prometheus: Prometheus } | ({ readonly kind: "Refused" } & Refusal);

/**
 * Whether a URL begins with one of the allowed ones: the same scheme, host and port, and a path below it. A prefix of text
 * would let `http://prometheus.evil` pass for `http://prometheus` (decision 40).
 */
export function isAllowed(url: string, allowed: readonly string[]): boolean {
  if (!URL.canParse(url)) return false;
  const asked = new URL(url);
  if (asked.username !== "" || asked.password !== "") return false;
  return allowed.some((prefix) => {
    if (!URL.canParse(prefix)) return false;
    const { origin, pathname } = new URL(prefix);
    const below = pathname.endsWith("/") ? pathname : `${pathname}/`;
    return asked.origin === origin && (asked.pathname === pathname || asked.pathname.startsWith(below));
  });
}

/** Of the API server, what is asked here. */
type Secrets = {
  readonly get: (
    resource: typeof secrets,
    key: Key,
    options: { readonly signal: AbortSignal },
  ) => Promise<Stored<Secret> | null>;
};

/** Clients of the services' Prometheus servers, kept while nothing about them changes. */
export class PrometheusSources {
  readonly #kube: Secrets;
  readonly #allowed: readonly string[];
  readonly #clients = new Map<string, { readonly content: string; readonly prometheus: Prometheus }>();

  constructor(kube: Secrets, allowed: readonly string[]) {
    this.#kube = kube;
    this.#allowed = allowed;
  }

  /** Secrets are of the same namespace, always. */
  async find(namespace: string, wanted: Wanted, signal: AbortSignal): Promise<Found> {
    if (!isAllowed(wanted.url, this.#allowed)) {
      const allowed = this.#allowed.length > 0 ? `: ${this.#allowed.join(", ")}` : ", which is empty";
      const message = `monitoring.prometheus.url: ${wanted.url} is not on the operator's allow-list (prometheus.allow in the chart's values)${allowed}`;
      return { kind: "Refused", reason: "PrometheusNotAllowed", message };
    }
    const [ca, authorization] = await Promise.all([
      this.#secret(namespace, wanted.caSecretRef, signal),
      this.#secret(namespace, wanted.authorizationSecretRef, signal),
    ]);
    if (ca === null || authorization === null) {
      const missing = ca === null ? wanted.caSecretRef : wanted.authorizationSecretRef;
      const message = `monitoring.prometheus: Secret ${missing?.name ?? ""} has no key ${missing?.key ?? ""}`;
      return { kind: "Refused", reason: "SecretMissing", message };
    }
    // Two services may ask one server with a token each: neither is to end the other's queries.
    const id = JSON.stringify([namespace, wanted.url, wanted.caSecretRef, wanted.authorizationSecretRef]);
    const content = JSON.stringify([ca, authorization]);
    const known = this.#clients.get(id);
    if (known?.content === content) return { kind: "Source", prometheus: known.prometheus };
    const prometheus = prometheusClient({
      url: wanted.url,
      ...(ca === undefined ? {} : { ca }),
      ...(authorization === undefined ? {} : { authorization }),
    });
    this.#clients.set(id, { content, prometheus });
    // Its Secret has changed. Who comes meanwhile has the new one.
    await known?.prometheus.close();
    return { kind: "Source", prometheus };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map(({ prometheus }) => prometheus.close()));
    this.#clients.clear();
  }

  /** undefined: none is asked for; null: it is not there. */
  async #secret(
    namespace: string,
    reference: { readonly name: string; readonly key: string } | undefined,
    signal: AbortSignal,
  ): Promise<string | null | undefined> {
    if (!reference) return undefined;
    const secret = await this.#kube.get(secrets, { namespace, name: reference.name }, { signal });
    const encoded = secret?.data?.[reference.key];
    return encoded === undefined ? null : Buffer.from(encoded, "base64").toString("utf8").trim();
  }
}
