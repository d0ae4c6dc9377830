import { type GatewayReport, gatewayReport, gatewayReportsName, jsonOf } from "../api/index.ts";
import { configMaps, type Kube, sleep } from "../kube/index.ts";
import { Wakeup } from "./wakeup.ts";

export type ReporterOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  readonly service: string;
  /** This gateway's name: its key, and the owner of its field. */
  readonly pod: string;
  /** Null while there is nothing to tell. */
  readonly report: () => Omit<GatewayReport, "at"> | null;
  /** Told the report of a process before under the same name, before the first of its own. */
  readonly resume: (report: GatewayReport) => void;
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

  /** Reports until `signal` is aborted, and once more: what was counted by then is taken in when the gateway has gone. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#resume(signal);
    if (signal.aborted) return;
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
    const last = this.#options.report();
    if (last) await this.#apply({ ...last, at: new Date().toISOString() });
  }

  /** Nothing is reported before: it would overwrite what nobody may have read yet. */
  async #resume(signal: AbortSignal): Promise<void> {
    const { kube, namespace, service, pod, resume, onFault } = this.#options;
    while (!signal.aborted) {
      try {
        const key = { namespace, name: gatewayReportsName(service) };
        const before = (await kube.get(configMaps, key, { signal, timeoutMs: 5_000 }))?.data?.[pod];
        const report = gatewayReport.safeParse(jsonOf(before)).data;
        if (report) resume(report);
        return;
      } catch (error) {
        if (!signal.aborted) onFault(error);
        await sleep(retryMs, signal).catch(() => {});
      }
    }
  }

  async #apply(report: GatewayReport): Promise<boolean> {
    const { kube, namespace, service, pod, onFault } = this.#options;
    const metadata = { name: gatewayReportsName(service), namespace };
    const data = { [pod]: JSON.stringify(report) };
    try {
      await kube.apply(configMaps, { metadata, data }, { fieldManager: pod, force: true, timeoutMs: 5_000 });
      return true;
    } catch (error) {
      onFault(error);
      return false;
    }
  }
}
