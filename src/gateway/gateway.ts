import { getRandomValues, randomUUID } from "node:crypto";
import { type GatewayConfig, type GatewayReport, milliseconds, snapshotsName } from "../api/index.ts";
import { Informer, isKubeError, type Kube, LeaderElector, type Pod, pods, sleep, untilAborted } from "../kube/index.ts";
import { openStore } from "../registry/index.ts";
import { Admin } from "./admin.ts";
import { AttackLog } from "./attack-log.ts";
import { Beside } from "./beside.ts";
import { encodeBlock, type WireBlocks } from "./block-wire.ts";
import { Capture } from "./capture.ts";
import { type Certificate, followCertificate } from "./certificate.ts";
import { watchConfig } from "./config-watch.ts";
import { consistencySamples } from "./consistency-probe.ts";
import { DocumentCounts } from "./document-counts.ts";
import { leadEmbedding } from "./embed-leader.ts";
import { EvidenceLog } from "./evidence-log.ts";
import { type FleetView, leadFleet } from "./fleet-leader.ts";
import { fleetSettings } from "./fleet-monitor.ts";
import type { Snapshot } from "./fleet-state.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { defaultLimits, type ProxyLimits } from "./limits.ts";
import { Mirror } from "./mirror.ts";
import { defaultObserverLimits, Observer } from "./observer.ts";
import { Proxy } from "./proxy.ts";
import { Reporter } from "./reporter.ts";
import { ServiceRuntime, shapeOf } from "./service-runtime.ts";
import { SnapshotTaker } from "./snapshot.ts";

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
  /** How long requests under way then have. */
  readonly graceMs?: number;
  readonly onFault: (error: unknown) => void;
  /** Told that there is no configuration, and of the first one after that. */
  readonly onNews?: (message: string) => void;
};

/** Samples of a snapshot, and the least time between two. */
const mostSnapshotSamples = 20_000;
const snapshotEveryMs = 15_000;
const flushEveryMs = 5_000;

/** The data plane in front of one service: everything wired together. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #metrics: GatewayMetrics;
  readonly #proxy: Proxy;
  readonly #observer: Observer;
  readonly #admin: Admin;
  readonly #reporter: Reporter;
  readonly #fellows: Informer<Pod>;
  readonly #documents = new DocumentCounts(Date.now());
  #runtime: ServiceRuntime | null = null;
  #capture: Capture | null = null;
  #draining = false;
  #absence: string | null = null;
  #adminPort = 0;
  #snapshots: Beside<NonNullable<Snapshot>> | null = null;
  #attackLog: AttackLog | null = null;
  readonly #evidenceLog: EvidenceLog | null;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { kube, namespace, service, pod, tls, onFault, limits = defaultLimits } = options;
    this.#metrics = new GatewayMetrics(namespace, service);
    this.#evidenceLog =
      options.store === null ? null : new EvidenceLog({ store: openStore(options.store), namespace, service, onFault });
    const mirror = new Mirror({
      metrics: this.#metrics,
      candidate: () => this.#runtime?.pick(this.#runtime.digestOf("candidate")) ?? null,
      form: (digest) => this.#runtime?.materials.get(digest) ?? null,
      protocol: () => this.#runtime?.protocol ?? null,
    });
    this.#observer = new Observer({
      rules: () => this.#observerRules(),
      material: (digest) => this.#runtime?.materials.get(digest) ?? null,
      recorder: () => this.#runtime?.recorder ?? null,
      metrics: this.#metrics,
      documents: this.#documents,
      mirror: (read, signal) => mirror.send(read, signal),
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
    const { kube, namespace, service, onFault, drainMs = 3_000, graceMs = 20_000 } = this.#options;
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
      this.#leadInTurn(signal),
      this.#flushCaptures(following.signal),
      this.#followCertificate(following.signal),
    ].map((part) => part.catch(onFault));
    const observer = this.#observer.run(observing.signal).catch(onFault);
    await untilAborted(signal);
    this.#draining = true;
    this.#proxy.startDraining();
    this.#reporter.changed();
    await sleep(drainMs).catch(() => {});
    await this.#proxy.close(graceMs);
    observing.abort();
    await observer;
    following.abort();
    await Promise.all(background);
    await this.#capture?.flush();
    await this.#snapshots?.settled();
    await this.#attackLog?.settled();
    await this.#evidenceLog?.settled();
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
    if (!capturing) this.#capture = null;
    else
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

  /** Leads the fleet's monitor whenever it is this gateway's turn. A lost lease costs a term, never a request. */
  async #leadInTurn(signal: AbortSignal): Promise<void> {
    const { kube, namespace, service, pod, onFault, leaseMs = 8_000 } = this.#options;
    const elector = new LeaderElector({
      kube,
      lease: { namespace, name: `${service}-gateway` },
      identity: `${pod}_${randomUUID()}`,
      leaseDurationMs: leaseMs,
      onFault,
    });
    while (!signal.aborted) {
      try {
        await elector.run(signal, async (term) => {
          // Each term has its own: another leader may have published a newer one since the last.
          const snapshots = this.#takeSnapshots();
          this.#snapshots = snapshots;
          const attackLog = this.#openAttackLog();
          this.#attackLog = attackLog;
          const fleet = leadFleet(
            {
              kube,
              namespace,
              service,
              view: () => this.#fleetView(),
              snapshot: (before) => snapshots.newest(before),
              attacked: (record) => {
                if (this.#capture) attackLog?.note(record);
              },
              alarmed: (alarms) => this.#evidenceLog?.note(alarms),
              metrics: this.#metrics,
              onFault,
            },
            term,
          );
          await Promise.all([fleet, this.#embedInTurn(term.signal)]);
        });
      } catch (error) {
        if (!isKubeError(error)) throw error;
        onFault(error);
      } finally {
        this.#metrics.followed();
      }
    }
  }

  #embedInTurn(signal: AbortSignal): Promise<void> {
    return leadEmbedding(
      {
        orders: () => this.#runtime?.toEmbed() ?? [],
        onEmbedded: (model, vectors) => this.#metrics.taken(model, "bypassed", vectors),
        onFault: this.#options.onFault,
      },
      signal,
    );
  }

  #fleetView(): FleetView | null {
    const runtime = this.#runtime;
    const digest = runtime?.digestOf("stable") ?? "";
    const material = runtime?.materials.get(digest);
    if (!runtime || !material) return null;
    const own = this.#options.pod;
    const models = runtime.pools().map(([, model]) => model);
    const fellows = [...this.#fellows.list()].flatMap(({ metadata, status }) => {
      const ip = status?.podIP;
      if (!ip || metadata.name === own || metadata.deletionTimestamp !== undefined) return [];
      return [`http://${ip.includes(":") ? `[${ip}]` : ip}:${this.#adminPort}`];
    });
    return {
      material,
      settings: fleetSettings(runtime.config),
      blockMs: runtime.blockMs,
      recorder: runtime.recorder,
      pods: runtime.probed(digest),
      noise: runtime.noise.measured(models),
      models,
      fellows,
    };
  }

  /** Beside the detector's steps: a slow store must not hold up detection. */
  #takeSnapshots(): Beside<NonNullable<Snapshot>> {
    const { traffic, namespace, service, onFault } = this.#options;
    const taker =
      traffic === null
        ? null
        : new SnapshotTaker({ store: openStore(traffic), namespace, service, most: mostSnapshotSamples });
    return new Beside<NonNullable<Snapshot>>({
      work: async (before) => {
        if (!taker || !this.#capture || !this.#runtime) return before;
        return await taker.take(milliseconds(this.#runtime.config.dataset.traffic.ttl), before, Date.now());
      },
      everyMs: snapshotEveryMs,
      onFault,
    });
  }

  #openAttackLog(): AttackLog | null {
    const { traffic, namespace, service, onFault } = this.#options;
    if (traffic === null) return null;
    return new AttackLog({ store: openStore(traffic), snapshots: snapshotsName(namespace, service), onFault });
  }

  async #flushCaptures(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(flushEveryMs, signal).catch(() => {});
      await this.#capture?.flush();
    }
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
