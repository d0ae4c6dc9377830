import type { EmbeddingService } from "../api/index.ts";
import { isKubeError } from "../kube/index.ts";
import {
  isAllowed,
  namesSecrets,
  type Permission,
  type Prometheus,
  PrometheusSources,
  prometheusClient,
  type ReadSecret,
} from "../signals/index.ts";

/** Whom charts are asked of; `fault` says why nobody is. */
export type ChartSource =
  | { readonly url: string; readonly prometheus: Prometheus }
  | { readonly url: string; readonly fault: string };

export type ChartSourcesOptions = {
  /** Asked in place of each service's own. */
  readonly prometheus?: string | undefined;
  /** What Secrets of services may be sent to. */
  readonly allowed: readonly string[];
};

/**
 * The Prometheus of each service, with its CA, headers and authorization. Who may edit a service names its URL and its
 * Secrets, without a right to read them; whoever looks here may have that right. So what is in a Secret goes only where the
 * one who looks has said that it may.
 */
export class ChartSources {
  readonly #instead: { readonly url: string; readonly prometheus: Prometheus } | null;
  readonly #own: PrometheusSources;

  constructor(read: ReadSecret, { prometheus: url, allowed }: ChartSourcesOptions) {
    this.#instead = url === undefined ? null : { url, prometheus: prometheusClient({ url }) };
    this.#own = new PrometheusSources(read, permission(allowed));
  }

  async find({ metadata, spec }: EmbeddingService, signal: AbortSignal): Promise<ChartSource> {
    if (this.#instead) return this.#instead;
    const wanted = spec.monitoring.prometheus;
    const { url } = wanted;
    try {
      const found = await this.#own.find(metadata, wanted, signal);
      return found.kind === "Source" ? { url, prometheus: found.prometheus } : { url, fault: found.message };
    } catch (error) {
      if (!isKubeError(error)) throw error;
      return { url, fault: `its Secrets cannot be read: ${error.message}` };
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#own.close(), this.#instead?.prometheus.close()]);
  }
}

function permission(allowed: readonly string[]): Permission {
  return (wanted) =>
    !namesSecrets(wanted) || isAllowed(wanted.url, allowed)
      ? null
      : "it takes Secrets of the service's namespace. If you know it, start the dashboard with --prometheus-allow and its URL";
}
