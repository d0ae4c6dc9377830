import type { EmbeddingServiceSpec } from "../api/index.ts";
import { type Prometheus, prometheusClient } from "./prometheus.ts";
import type { SourceFault } from "./verdict.ts";

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

type SecretKey = { readonly name: string; readonly key: string };
type SecretValue =
  | { readonly kind: "Value"; readonly value: string }
  | ({ readonly kind: "Missing" } & SecretKey)
  | { readonly kind: "Unreadable"; readonly message: string };

type Key = { readonly namespace: string; readonly name: string };
/** Asks the API server for a Secret; null when there is none, or why it cannot be read. */
export type ReadSecret = (
  key: Key,
  signal: AbortSignal,
) => Promise<{ readonly data?: Readonly<Record<string, string>> } | { readonly unreadable: string } | null>;
/** Why a Prometheus may not be asked; null when it may. */
export type Permission = (wanted: Wanted) => string | null;

/** Only URLs that begin with one of these. */
export function onAllowList(allowed: readonly string[]): Permission {
  return ({ url }) => {
    if (isAllowed(url, allowed)) return null;
    const list = allowed.length > 0 ? `: ${allowed.join(", ")}` : ", which is empty";
    return `monitoring.prometheus.url: ${url} is not on the operator's allow-list (prometheus.allow in the chart's values)${list}`;
  };
}

/** Whether what is sent to it, or what it is known by, is kept in Secrets. */
export function namesSecrets({ caSecretRef, authorizationSecretRef, headers }: Wanted): boolean {
  return [caSecretRef, authorizationSecretRef, ...headers.map((header) => header.valueFromSecretRef)].some(
    (reference) => reference !== undefined,
  );
}

/** Clients of the services' Prometheus servers, kept while nothing about them changes. */
export class PrometheusSources {
  readonly #read: ReadSecret;
  readonly #permission: Permission;
  readonly #clients = new Map<string, { readonly content: string; readonly prometheus: Prometheus }>();

  constructor(read: ReadSecret, permission: Permission) {
    this.#read = read;
    this.#permission = permission;
  }

  /** The one that a service names; Secrets are of the service's namespace, always. */
  async find({ namespace, name: service }: Key, wanted: Wanted, signal: AbortSignal): Promise<Found> {
    const message = this.#permission(wanted);
    if (message !== null) return { kind: "Refused", reason: "PrometheusNotAllowed", message };
    const { url, caSecretRef, authorizationSecretRef, headers: wantedHeaders } = wanted;
    const [ca, authorization, ...secretValues] = await Promise.all(
      [caSecretRef, authorizationSecretRef, ...wantedHeaders.map((header) => header.valueFromSecretRef)].map(
        (reference) => this.#secret(namespace, reference, signal),
      ),
    );
    const values = [ca, authorization, ...secretValues];
    const unreadable = values.find((found) => found?.kind === "Unreadable");
    if (unreadable?.kind === "Unreadable") {
      const message = `monitoring.prometheus: ${unreadable.message}`;
      return { kind: "Refused", reason: "SecretUnreadable", message };
    }
    const missing = values.find((found) => found?.kind === "Missing");
    if (missing?.kind === "Missing") {
      const why = `monitoring.prometheus: Secret ${missing.name} has no key ${missing.key}`;
      return { kind: "Refused", reason: "SecretMissing", message: why };
    }
    const settings = {
      url,
      ...(ca?.kind === "Value" ? { ca: ca.value } : {}),
      ...(authorization?.kind === "Value" ? { authorization: authorization.value } : {}),
      headers: Object.fromEntries(
        wantedHeaders.map(({ name, value = "" }, i) => {
          const secret = secretValues[i];
          return [name, secret?.kind === "Value" ? secret.value : value];
        }),
      ),
    };
    const id = `${namespace}/${service}`;
    const content = JSON.stringify(settings);
    const known = this.#clients.get(id);
    if (known?.content === content) return { kind: "Source", prometheus: known.prometheus };
    const prometheus = prometheusClient(settings);
    this.#clients.set(id, { content, prometheus });
    // The service names another one, or a Secret has changed. Who comes meanwhile has the new one.
    await known?.prometheus.close();
    return { kind: "Source", prometheus };
  }

  /** Of a service that is gone. */
  async forget({ namespace, name }: Key): Promise<void> {
    const id = `${namespace}/${name}`;
    const known = this.#clients.get(id);
    this.#clients.delete(id);
    await known?.prometheus.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map(({ prometheus }) => prometheus.close()));
    this.#clients.clear();
  }

  async #secret(namespace: string, reference: SecretKey | undefined, signal: AbortSignal): Promise<SecretValue | null> {
    if (!reference) return null;
    const { name, key } = reference;
    const secret = await this.#read({ namespace, name }, signal);
    if (secret && "unreadable" in secret) return { kind: "Unreadable", message: secret.unreadable };
    const encoded = secret?.data?.[key];
    if (encoded === undefined) return { kind: "Missing", name, key };
    return { kind: "Value", value: Buffer.from(encoded, "base64").toString("utf8").trim() };
  }
}
