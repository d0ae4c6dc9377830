import { getRandomValues } from "node:crypto";
import { type GatewayConfig, type GatewayReport, gatewayStop } from "../api/index.ts";
import { Informer, type Kube, type Pod, pods, sleep, untilAborted } from "../kube/index.ts";
import { openStore } from "../registry/index.ts";
import { Admin } from "./admin.ts";
import { encodeBlock, type WireBlocks } from "./block-wire.ts";
import { Capture } from "./capture.ts";
import { type Certificate, followCertificate } from "./certificate.ts";
import { watchConfig } from "./config-watch.ts";
import { consistencySamples } from "./consistency-probe.ts";
import { DocumentCounts } from "./document-counts.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { Leadership } from "./leadership.ts";
import { defaultLimits, type ProxyLimits } from "./limits.ts";
import { Mirror } from "./mirror.ts";
import { defaultObserverLimits, Observer } from "./observer.ts";
import { Proxy } from "./proxy.ts";
import { Reporter } from "./reporter.ts";
import { SecondOpinion } from "./second-opinion.ts";
import { ServiceRuntime, shapeOf } from "./service-runtime.ts";

export type GatewayOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  /** Name of the EmbeddingService. */
  readonly service: string;
  /** This pod's name and address. */
  readonly pod: string;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  /** What the data port speaks TLS with, and the folder that it is renewed in; null: plain HTTP. */
  readonly tls: { readonly folder: string; readonly certificate: Certificate } | null;
  /** Root of the store; null when there is none: then every signal that needs a reference is Learning. */
  readonly store: string | null;
  /** Root of the store of captured traffic. */
  readonly traffic: string | null;
  readonly limits?: ProxyLimits;
  readonly leaseMs?: number;
  readonly certificateEveryMs?: number;
  /** How long it goes on taking new connections once it was asked to stop, until clients know. */
  readonly drainMs?: number;
  readonly onFault: (error: unknown) => void;
  /** Told that there is no configuration, and of the first one after that. */
  readonly onNews?: (message: string) => void;
};

const flushEveryMs = 5_000;

/** The data plane in front of one service: everything wired together. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #metrics: GatewayMetrics;
  readonly #proxy: Proxy;
  readonly #observer: Observer;
  readonly #admin: Admin;
  readonly #reporter: Reporter;
  readonly #leadership: Leadership;
  readonly #fellows: Informer<Pod>;
  readonly #documents = new DocumentCounts(Date.now());
  #runtime: ServiceRuntime | null = null;
  #capture: Capture | null = null;
  /** Samples from before capture was switched off, on their way into the store. */
  #leftOver: Promise<unknown> = Promise.resolve();
  #draining = false;
  #absence: string | null = null;
  #adminPort = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { kube, namespace, service, pod, store, traffic, tls, onFault, limits = defaultLimits } = options;
    this.#metrics = new GatewayMetrics(namespace, service);
    const mirror = new Mirror({
      metrics: this.#metrics,
      candidate: (except) => this.#runtime?.pick(this.#runtime.digestOf("candidate"), except) ?? null,
      form: (digest) => this.#runtime?.materials.get(digest) ?? null,
      protocol: () => this.#runtime?.protocol ?? null,
    });
    const secondOpinion = new SecondOpinion(() => this.#runtime?.pick(this.#runtime.digestOf("stable")) ?? null);
    this.#observer = new Observer({
      rules: () => this.#observerRules(),
      material: (digest) => this.#runtime?.materials.get(digest) ?? null,
      recorder: () => this.#runtime?.recorder ?? null,
      metrics: this.#metrics,
      documents: this.#documents,
      mirror: (read, signal) => mirror.send(read, signal),
      secondOpinion: (refused, signal) => secondOpinion.ask(refused, signal),
      capture: (captured) => {
        if (this.#runtime) this.#capture?.add(captured, this.#runtime.config.modality);
      },
      random: uniform,
      limits: defaultObserverLimits,
      onFault,
    });
    this.#proxy = new Proxy({
      certificate: tls?.certificate ?? null,
      limits,
      rules: () => this.#requestRules(),
      route: (key, except) =>
        this.#runtime?.route(key, except) ?? {
          kind: "Nowhere",
          pool: "stable",
          model: "",
          no: { title: "No pod is ready", detail: "the gateway has no configuration yet" },
        },
      guard: () => this.#runtime?.guard ?? null,
      meter: this.#metrics,
      observe: (exchange) => this.#observer.offer(exchange),
    });
    this.#admin = new Admin({
      registry: this.#metrics.registry,
      beforeScrape: () => this.#showPods(),
      unready: () => this.#unready(),
      blocks: (model, after) => this.#blocks(model, after),
    });
    this.#reporter = new Reporter({
      kube,
      namespace,
      service,
      pod,
      report: () => this.#report(),
      resume: ({ documents }) => documents && this.#documents.resume(documents),
      onFault,
    });
    this.#fellows = new Informer<Pod>({
      kube,
      resource: pods,
      namespaces: [namespace],
      labelSelector: `evenkeel.dev/gateway=${service}`,
      onFault,
    });
    this.#leadership = new Leadership({
      kube,
      namespace,
      service,
      pod,
      store,
      traffic,
      leaseMs: options.leaseMs ?? 8_000,
      metrics: this.#metrics,
      runtime: () => this.#runtime,
      capturing: () => this.#capture !== null,
      fellows: () => this.#fellowAddresses(),
      onFault,
    });
  }

  /** Opens both ports, or neither. */
  async listen(): Promise<{ port: number; adminPort: number }> {
    const { host, port, adminPort } = this.#options;
    this.#adminPort = await this.#admin.listen(host, adminPort);
    try {
      return { port: await this.#proxy.listen(host, port), adminPort: this.#adminPort };
    } catch (error) {
      // Else it would look healthy, and never end.
      await this.#admin.close();
      throw error;
    }
  }

  /** Runs until `signal` is aborted, then lets requests under way end. */
  async run(signal: AbortSignal): Promise<void> {
    const { kube, namespace, service, onFault, drainMs = gatewayStop.drainMs } = this.#options;
    const following = new AbortController();
    const observing = new AbortController();
    const background = [
      watchConfig(
        {
          kube,
          namespace,
          service,
          onConfig: (config) => this.#configure(config),
          onAbsent: (why) => this.#unconfigured(why),
          onFault,
        },
        following.signal,
      ),
      this.#fellows.run(following.signal),
      this.#reporter.run(following.signal),
      this.#leadership.run(signal),
      this.#flushCaptures(following.signal),
      this.#followCertificate(following.signal),
    ].map((part) => part.catch(onFault));
    const observer = this.#observer.run(observing.signal).catch(onFault);
    await untilAborted(signal);
    this.#draining = true;
    this.#proxy.startDraining();
    this.#reporter.changed();
    await sleep(drainMs).catch(() => {});
    await this.#proxy.close(gatewayStop.requestsMs);
    observing.abort();
    await observer;
    // Every document is counted: the last report waits neither for pods nor for the store.
    following.abort();
    await this.#observer.settled();
    await Promise.all([...background, this.#leftOver, this.#capture?.flush(), this.#leadership.settled()]);
    this.#runtime?.stop();
    await this.#admin.close();
  }

  #unconfigured(why: string): void {
    this.#absence = why;
    this.#options.onNews?.(why);
  }

  #configure(config: GatewayConfig): void {
    const { kube, namespace, store, traffic, onFault, onNews, pod, limits = defaultLimits } = this.#options;
    if (this.#absence !== null) onNews?.(`the configuration of ${namespace}/${config.service.name} is there now`);
    this.#absence = null;
    const metrics = this.#metrics;
    if (this.#runtime && shapeOf(this.#runtime.config) === shapeOf(config)) {
      this.#runtime.configure(config);
    } else {
      const before = this.#runtime;
      const onChange = () => this.#reporter.changed();
      this.#runtime = new ServiceRuntime(config, {
        kube,
        namespace,
        store,
        limits,
        metrics,
        random: uniform,
        onChange,
        onFault,
      });
      before?.stop();
    }
    const capturing = config.dataset.traffic.capture === "On" && traffic !== null;
    if (this.#capture && !capturing) {
      this.#leftOver = Promise.all([this.#leftOver, this.#capture.flush()]);
      this.#capture = null;
    }
    if (capturing)
      this.#capture ??= new Capture({
        store: openStore(traffic),
        namespace,
        service: config.service,
        pod,
        metrics,
        onFault,
      });
    metrics.configured(config);
    this.#reporter.changed();
  }

  async #flushCaptures(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(flushEveryMs, signal).catch(() => {});
      await this.#capture?.flush();
    }
  }

  /** Of the other gateways' admin ports: every gateway of a service listens on the same one. */
  #fellowAddresses(): readonly string[] {
    return [...this.#fellows.list()].flatMap(({ metadata, status }) => {
      const ip = status?.podIP;
      if (!ip || metadata.name === this.#options.pod || metadata.deletionTimestamp !== undefined) return [];
      return [`http://${ip.includes(":") ? `[${ip}]` : ip}:${this.#adminPort}`];
    });
  }

  /** A broken one is said and counted; the one before stays. */
  async #followCertificate(signal: AbortSignal): Promise<void> {
    const { tls, certificateEveryMs = 10_000, onFault } = this.#options;
    if (!tls) return;
    this.#metrics.certificate("loaded", tls.certificate.notAfter);
    await followCertificate(
      {
        folder: tls.folder,
        everyMs: certificateEveryMs,
        shown: tls.certificate,
        onRenewed: (certificate) => {
          this.#proxy.renew(certificate);
          this.#metrics.certificate("loaded", certificate.notAfter);
        },
        onBroken: (error) => {
          onFault(error);
          this.#metrics.certificate("failed");
        },
      },
      signal,
    );
  }

  #observerRules() {
    const runtime = this.#runtime;
    if (!runtime) return null;
    const { modality, monitoring, dataset, routing } = runtime.config;
    return {
      protocol: runtime.protocol,
      modality,
      consistencySample: consistencySamples(monitoring.consistency.sample, routing.candidate?.weight ?? 0),
      captureSample: this.#capture ? dataset.traffic.sample : 0,
      mirrorTo: routing.candidate?.mirror ? routing.candidate.digest : null,
    };
  }

  #requestRules() {
    const runtime = this.#runtime;
    return {
      path: runtime?.protocol.path ?? "",
      errorFields: runtime?.protocol.errorFields ?? null,
      stickyHeader: runtime?.config.routing.stickyHeader ?? null,
      clientHeader: this.#capture ? (runtime?.config.dataset.traffic.clientKey ?? null) : null,
      documents: runtime?.config.routes.documents ?? [],
    };
  }

  #blocks(model: string, after: number): WireBlocks | null {
    const runtime = this.#runtime;
    if (!runtime) return null;
    const blocks = runtime.recorder.ended(model, after, Date.now()).map(encodeBlock);
    return { pod: this.#options.pod, model, blockMs: runtime.blockMs, blocks };
  }

  #report(): Omit<GatewayReport, "at"> | null {
    const runtime = this.#runtime;
    if (!runtime) return null;
    const counted = runtime.pools().map(([, digest]) => [digest, runtime.directory.admitted(digest).length] as const);
    return {
      generation: runtime.config.generation,
      ready: this.#unready().length === 0,
      pods: Object.fromEntries(counted),
      documents: this.#documents.report(),
    };
  }

  #unready(): readonly string[] {
    if (this.#draining) return ["it is being stopped"];
    if (!this.#runtime) return [this.#absence ?? "there is no configuration yet"];
    return this.#runtime.synced() ? [] : ["the service's pods are not listed yet"];
  }

  #showPods(): void {
    if (this.#runtime) this.#metrics.pods(this.#runtime.pools(), this.#runtime.directory);
  }
}

/** Not Math.random: whoever sees some of its numbers can tell the next, and so the squeezer. */
function uniform(): number {
  const [number = 0] = getRandomValues(new Uint32Array(1));
  return number / 2 ** 32;
}
