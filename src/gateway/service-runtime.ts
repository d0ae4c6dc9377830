import { type GatewayConfig, gatewayStateName, milliseconds } from "../api/index.ts";
import { configMaps, type Kube } from "../kube/index.ts";
import { leastRequests } from "./balancer.ts";
import { BlockRecorder } from "./block-recorder.ts";
import { ConsistencyGuard } from "./consistency-guard.ts";
import type { EmbedOrder } from "./embed-order.ts";
import { keptBlocks } from "./fleet-leader.ts";
import { decodeNoise } from "./fleet-state.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import type { Guard } from "./guard.ts";
import type { ProxyLimits } from "./limits.ts";
import { MaterialLibrary } from "./material-library.ts";
import { noPod } from "./no-pod.ts";
import { PodDirectory } from "./pod-directory.ts";
import { PodWatch } from "./pod-watch.ts";
import { Prober } from "./prober.ts";
import { type Protocol, protocols } from "./protocols/index.ts";
import type { NoPod, Route } from "./proxied-request.ts";
import { RepeatNoiseBook } from "./repeat-noise.ts";
import { choosePool, type PoolName, type RouteKey } from "./routing.ts";
import type { Upstream } from "./upstream.ts";

export type RuntimeOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  readonly store: string | null;
  readonly limits: ProxyLimits;
  readonly metrics: GatewayMetrics;
  readonly random: () => number;
  readonly onChange: () => void;
  readonly onFault: (error: unknown) => void;
};

const probeTimeoutMs = 10_000;

/** All that lives as long as the shape of a service: its pods, their probes, its models, its blocks. */
export class ServiceRuntime {
  readonly directory: PodDirectory;
  readonly materials: MaterialLibrary;
  readonly noise: RepeatNoiseBook;
  readonly protocol: Protocol;
  readonly #options: RuntimeOptions;
  readonly #watch: PodWatch;
  readonly #prober: Prober;
  readonly #stop = new AbortController();
  #config: GatewayConfig;
  #recorder: BlockRecorder;
  #guard: Guard | null = null;
  #turn = 0;

  constructor(config: GatewayConfig, options: RuntimeOptions) {
    const { kube, namespace, limits, metrics, onChange, onFault } = options;
    this.#options = options;
    this.#config = config;
    this.protocol = protocols[config.protocol];
    this.#recorder = recorderOf(config);
    this.directory = new PodDirectory(config.port, limits.upstream);
    this.materials = new MaterialLibrary((material) => {
      this.#recorder.watch(material);
      this.#prober.kick();
      onChange();
    }, onFault);
    const stateKey = { namespace, name: gatewayStateName(config.service.name) };
    this.noise = new RepeatNoiseBook({
      saved: async () =>
        decodeNoise((await kube.get(configMaps, stateKey, { timeoutMs: 2_000 }))?.data?.["state.json"]),
      onFault,
    });
    this.#prober = new Prober({
      noise: this.noise,
      directory: this.directory,
      protocol: this.protocol,
      material: (digest) => this.materials.get(digest),
      everyMs: () => milliseconds(this.#config.monitoring.canaries.every),
      timeoutMs: probeTimeoutMs,
      onProbe: ({ identity }, probe) => {
        const { count } = this.#config.monitoring.canaries;
        if (probe.kind !== "Unknowable") metrics.taken(identity.digest, "bypassed", count);
        onChange();
      },
      onFault,
    });
    const { directory } = this;
    this.#watch = new PodWatch({
      kube,
      namespace,
      model: config.model,
      directory,
      onChange: () => {
        this.#prober.kick();
        onChange();
      },
      onFault,
    });
    this.#prober.run(this.#stop.signal).catch(onFault);
    this.configure(config);
  }

  get config(): GatewayConfig {
    return this.#config;
  }

  /** Another one once blocks have another length: numbers of one length say nothing of another. */
  get recorder(): BlockRecorder {
    return this.#recorder;
  }

  get blockMs(): number {
    return milliseconds(this.#config.monitoring.block);
  }

  /** Takes in a configuration of the same shape. Pods keep their verdicts, so that traffic goes on. */
  configure(config: GatewayConfig): void {
    const before = this.blockMs;
    this.#config = config;
    if (this.blockMs !== before) this.#recordAnew();
    const { routing, monitoring, baseline, protection, modality, selector, deployment, service, dataset } = config;
    const { stable, candidate } = routing;
    const { store, random } = this.#options;
    const common = {
      store,
      baseline,
      probes: monitoring.canaries.count,
      squeezers: monitoring.consistency.squeezers,
      service: { namespace: service.namespace, name: service.name },
      dataset: dataset.reference,
    };
    const models = this.#models();
    this.materials.keep(models.map(({ digest, uri }) => ({ ...common, model: { digest, uri } })));
    this.directory.setAdmission((digest) => {
      if (digest === stable.digest) return "MatchOrUnknowable";
      return digest === candidate?.digest ? "Match" : "Never";
    });
    this.#watch.follow([{ selector, deployment }, ...(candidate ? [candidate] : [])]);
    const { active, mode, maxDelay, maxBytes } = protection;
    this.#guard =
      active && mode !== "Observe"
        ? new ConsistencyGuard({
            mode,
            maxDelay,
            maxBytes,
            protocol: this.protocol,
            modality,
            material: (digest) => this.materials.get(digest),
            random,
          })
        : null;
  }

  /** Null while protection is not on, or only observes. */
  get guard(): Guard | null {
    return this.#guard;
  }

  synced(): boolean {
    return this.#watch.synced();
  }

  digestOf(pool: PoolName): string {
    const { stable, candidate } = this.#config.routing;
    return pool === "candidate" ? (candidate?.digest ?? "") : stable.digest;
  }

  /** Pools that there are, with their models. */
  pools(): (readonly [PoolName, string])[] {
    const { stable, candidate } = this.#config.routing;
    return [["stable", stable.digest], ...(candidate ? [["candidate", candidate.digest] as const] : [])];
  }

  route(key: RouteKey, except: Upstream | null): Route {
    const has = (pool: PoolName): boolean => this.directory.admitted(this.digestOf(pool)).length > 0;
    const pool = choosePool(this.#config.routing, key, has);
    const model = this.digestOf(pool);
    const upstream = this.pick(model, except);
    return upstream ? { kind: "To", pool, upstream } : { kind: "Nowhere", pool, model, no: this.#noPod(model) };
  }

  pick(digest: string, except: Upstream | null = null): Upstream | null {
    return leastRequests(this.directory.admitted(digest), this.#turn++, except);
  }

  /** Of a model's ready pods: probes compared, and those that did not match. */
  probed(digest: string): { compared: number; mismatched: number } {
    const kinds = this.directory
      .entries()
      .filter(({ identity }) => identity.ready && identity.digest === digest)
      .map(({ probe }) => probe.kind);
    const mismatched = kinds.filter((kind) => kind === "Mismatched").length;
    return { compared: mismatched + kinds.filter((kind) => kind === "Matched").length, mismatched };
  }

  /** What is to be embedded through pods, of the models that are known to bring no reference of their own. */
  toEmbed(): EmbedOrder[] {
    const { service, dataset, protocol, port } = this.#config;
    const { store } = this.#options;
    if (store === null) return [];
    return this.#models().flatMap(({ digest, uri }) => {
      if (this.materials.get(digest)?.source !== "Awaited") return [];
      const pods = this.directory
        .entries()
        .filter(({ identity }) => identity.ready && identity.digest === digest)
        .filter(({ probe }) => probe.kind === "Matched" || probe.kind === "Unknowable")
        .map(({ identity: { name, address } }) => ({ name, address }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      if (pods.length === 0) return [];
      const { namespace, name } = service;
      const model = { digest, uri };
      return [{ store, service: { namespace, name }, model, dataset: dataset.reference, protocol, port, pods }];
    });
  }

  stop(): void {
    this.#stop.abort();
    this.#watch.stop();
    this.materials.stop();
    this.directory.clear();
  }

  #recordAnew(): void {
    this.#recorder = recorderOf(this.#config);
    for (const { digest } of this.#models()) {
      const material = this.materials.get(digest);
      if (material) this.#recorder.watch(material);
    }
  }

  #models(): { readonly digest: string; readonly uri: string }[] {
    const { stable, candidate } = this.#config.routing;
    return [stable, ...(candidate && candidate.digest !== stable.digest ? [candidate] : [])];
  }

  #noPod(model: string): NoPod {
    const { service, port } = this.#config;
    return noPod({ service: service.name, port, model }, this.directory.entries(), this.#watch.strays());
  }
}

/** Configurations of another shape need another runtime: what pods are asked, and who they are, is another then. */
export function shapeOf({ service, port, protocol, modality, model }: GatewayConfig): string {
  return JSON.stringify({ uid: service.uid, port, protocol, modality, model });
}

function recorderOf({ monitoring }: GatewayConfig): BlockRecorder {
  return new BlockRecorder(milliseconds(monitoring.block), keptBlocks * 2);
}
