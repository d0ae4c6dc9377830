import { type GatewayReport, gatewayReportsName } from "../api/index.ts";
import { configMaps, type Kube } from "../kube/index.ts";
import { Wakeup } from "./wakeup.ts";

export type ReporterOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  readonly service: string;
  /** This gateway's name: its key, and the owner of its field. */
  readonly pod: string;
  /** Null while there is nothing to tell. */
  readonly report: () => Omit<GatewayReport, "at"> | null;
  readonly onFault: (error: unknown) => void;
};

/** An unchanged report is repeated after this, so that its time says that the gateway lives. */
const repeatMs = 15_000;
const retryMs = 1_000;

/** Tells the operator which routing is in force here, by server-side apply of one key of a shared ConfigMap. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #wakeup = new Wakeup();

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  changed(): void {
    this.#wakeup.wake();
  }

  /** Reports until `signal` is aborted, then takes the report back. */
  async run(signal: AbortSignal): Promise<void> {
    let told = "";
    let toldAt = -Infinity;
    while (!signal.aborted) {
      const report = this.#options.report();
      const text = JSON.stringify(report);
      let wait = repeatMs;
      if (report && (text !== told || performance.now() - toldAt >= repeatMs)) {
        const done = await this.#apply({ ...report, at: new Date().toISOString() });
        if (done) {
          told = text;
          toldAt = performance.now();
        } else {
          wait = retryMs;
        }
      }
      await this.#wakeup.sleep(wait, signal);
    }
    await this.#apply(null);
  }

  async #apply(report: GatewayReport | null): Promise<boolean> {
    const { kube, namespace, service, pod, onFault } = this.#options;
    const metadata = { name: gatewayReportsName(service), namespace };
    try {
      const object = report === null ? { metadata } : { metadata, data: { [pod]: JSON.stringify(report) } };
      await kube.apply(configMaps, object, { fieldManager: pod, force: true, timeoutMs: 5_000 });
      return true;
    } catch (error) {
      onFault(error);
      return false;
    }
  }
}
