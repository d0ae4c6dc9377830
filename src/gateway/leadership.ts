import { randomUUID } from "node:crypto";
import { milliseconds, snapshotsName } from "../api/index.ts";
import { isKubeError, type Kube, LeaderElector, type Term } from "../kube/index.ts";
import { openStore } from "../registry/index.ts";
import { AttackLog } from "./attack-log.ts";
import { Beside } from "./beside.ts";
import { leadEmbedding } from "./embed-leader.ts";
import { EvidenceLog } from "./evidence-log.ts";
import { type FleetView, leadFleet } from "./fleet-leader.ts";
import { fleetSettings } from "./fleet-monitor.ts";
import type { Snapshot } from "./fleet-state.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import type { ServiceRuntime } from "./service-runtime.ts";
import { SnapshotTaker } from "./snapshot.ts";

export type LeadershipOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  readonly service: string;
  /** This pod's name. */
  readonly pod: string;
  /** Roots of the store and of captured traffic's; null when there is none. */
  readonly store: string | null;
  readonly traffic: string | null;
  readonly leaseMs: number;
  readonly metrics: GatewayMetrics;
  /** What the gateway serves, as it is now. */
  readonly runtime: () => ServiceRuntime | null;
  readonly capturing: () => boolean;
  /** Addresses of the other gateways' admin ports. */
  readonly fellows: () => readonly string[];
  readonly onFault: (error: unknown) => void;
};

/** Samples of a snapshot, and the least time between two. */
const mostSnapshotSamples = 20_000;
const snapshotEveryMs = 15_000;

/** What one gateway of a service does for all of them, whenever it is its turn: the fleet's monitor, references. */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #evidenceLog: EvidenceLog | null;
  #snapshots: Beside<NonNullable<Snapshot>> | null = null;
  #attackLog: AttackLog | null = null;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    const { store, namespace, service, onFault } = options;
    this.#evidenceLog =
      store === null ? null : new EvidenceLog({ store: openStore(store), namespace, service, onFault });
  }

  /** Runs until `signal` is aborted. A lost lease costs a term, never a request. */
  async run(signal: AbortSignal): Promise<void> {
    const { kube, namespace, service, pod, leaseMs, metrics, onFault } = this.#options;
    const elector = new LeaderElector({
      kube,
      lease: { namespace, name: `${service}-gateway` },
      identity: `${pod}_${randomUUID()}`,
      leaseDurationMs: leaseMs,
      onFault,
    });
    while (!signal.aborted) {
      try {
        await elector.run(signal, (term) => this.#lead(term));
      } catch (error) {
        if (!isKubeError(error)) throw error;
        onFault(error);
      } finally {
        metrics.followed();
      }
    }
  }

  /** Resolves once everything that goes to a store has been written, or given up. */
  async settled(): Promise<void> {
    await this.#snapshots?.settled();
    await this.#attackLog?.settled();
    await this.#evidenceLog?.settled();
  }

  async #lead(term: Term): Promise<void> {
    const { kube, namespace, service, capturing, metrics, onFault } = this.#options;
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
        view: () => this.#view(),
        snapshot: (before) => snapshots.newest(before),
        attacked: (record) => {
          if (capturing()) attackLog?.note(record);
        },
        alarmed: (alarms) => this.#evidenceLog?.note(alarms),
        metrics,
        onFault,
      },
      term,
    );
    await Promise.all([fleet, this.#embedReferences(term.signal)]);
  }

  #embedReferences(signal: AbortSignal): Promise<void> {
    const { runtime, metrics, onFault } = this.#options;
    return leadEmbedding(
      {
        orders: () => runtime()?.toEmbed() ?? [],
        onEmbedded: (model, vectors) => metrics.taken(model, "bypassed", vectors),
        onFault,
      },
      signal,
    );
  }

  #view(): FleetView | null {
    const runtime = this.#options.runtime();
    const digest = runtime?.digestOf("stable") ?? "";
    const material = runtime?.materials.get(digest);
    if (!runtime || !material) return null;
    const models = runtime.pools().map(([, model]) => model);
    return {
      material,
      settings: fleetSettings(runtime.config),
      blockMs: runtime.blockMs,
      recorder: runtime.recorder,
      pods: runtime.probed(digest),
      noise: runtime.noise.measured(models),
      models,
      fellows: this.#options.fellows(),
    };
  }

  /** Beside the detector's steps: a slow store must not hold up detection. */
  #takeSnapshots(): Beside<NonNullable<Snapshot>> {
    const { traffic, namespace, service, runtime, capturing, onFault } = this.#options;
    const taker =
      traffic === null
        ? null
        : new SnapshotTaker({ store: openStore(traffic), namespace, service, most: mostSnapshotSamples });
    return new Beside<NonNullable<Snapshot>>({
      work: async (before) => {
        const config = runtime()?.config;
        if (!taker || !config || !capturing()) return before;
        return await taker.take(milliseconds(config.dataset.traffic.ttl), before, Date.now());
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
}
