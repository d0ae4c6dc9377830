import { hostname } from "node:os";
import {
  type ClusterConfig,
  connect,
  contactLog,
  EventRecorder,
  isKubeError,
  isOfContact,
  type Key,
  LeaderElector,
  Manager,
  secrets,
  systemClock,
} from "../kube/index.ts";
import { catalogue, instruments, processRegistry } from "../metrics/index.ts";
import { onAllowList, PrometheusSources } from "../signals/index.ts";
import { openCaches } from "./caches.ts";
import { controllersOf } from "./controllers.ts";
import { eventLosses } from "./event-losses.ts";
import { serveHealth } from "./health.ts";
import { log } from "./log.ts";
import type { Settings } from "./ports.ts";
import { unread } from "./unread.ts";

export type OperatorOptions = {
  readonly cluster: ClusterConfig;
  readonly settings: Settings;
  /** All when absent. */
  readonly namespaces?: readonly string[] | undefined;
  readonly prometheusAllow: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly lease: Key;
  readonly leaseDurationMs: number;
};

/**
 * Runs the operator until `signal` is aborted.
 *
 * @throws KubeError Fenced when leadership was lost: exit, so that nothing of the old term goes on
 */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { settings, namespaces, lease, leaseDurationMs } = options;
  const onContact = contactLog(log);
  const kube = await connect({ ...options.cluster, fieldManager: "evenkeel", qps: 100, burst: 200, onContact });
  const registry = processRegistry();
  const metrics = instruments(catalogue.operator, registry);
  // Unlike that of any other process, and of this one before a restart.
  const identity = `${process.env["POD_NAME"] ?? hostname()}_${process.pid}_${Date.now().toString(36)}`;
  const caches = openCaches(kube, {
    namespaces,
    onFault: (kind, error) => metrics.watchRestarts.inc({ kind, reason: error.kind }),
    onUnparseable: (kind, error) => log("error", error.message, { kind }),
  });
  const losses = eventLosses((reason) => metrics.eventsLost.inc({ reason }), log);
  const events = new EventRecorder({ kube, controller: "evenkeel.dev/operator", instance: identity, ...losses });
  const sources = new PrometheusSources(
    (key, asked) =>
      kube.get(secrets, key, { signal: asked }).catch((error: unknown) => ({ unreadable: unread(error).message })),
    onAllowList(options.prometheusAllow),
  );
  metrics.leader.set({}, 0);
  const election = new LeaderElector({
    kube,
    lease,
    identity,
    leaseDurationMs,
    onChange: (state, holder) => {
      metrics.leader.set({}, state === "Leading" ? 1 : 0);
      log("info", state === "Leading" ? "leading" : `following ${holder}`);
    },
    onFault: (error) => {
      if (!isOfContact(error)) log("warn", error.message);
    },
  });
  const wiring = { kube, caches, events, sources, metrics, settings, clock: systemClock };
  const manager = new Manager({
    informers: Object.values(caches),
    controllers: (fence) => controllersOf(wiring, fence),
    election,
    events,
  });
  const health = await serveHealth({ manager, registry, host: options.host, port: options.port });
  log("info", "started", { server: kube.server.href, address: health.address, namespaces: namespaces ?? "all" });
  try {
    await manager.run(signal);
  } catch (error) {
    if (isKubeError(error, "Fenced")) log("warn", error.message);
    throw error;
  } finally {
    await health.close();
    await sources.close();
    await kube.close();
  }
}
