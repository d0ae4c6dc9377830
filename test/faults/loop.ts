import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { KubeObject } from "../../src/kube/index.ts";
import type { ControlPlane } from "../harness/control-plane.ts";
import { FaultyProxy } from "../harness/faulty-proxy.ts";
import { serviceAccountAccess } from "../harness/kubeconfig.ts";
import { makeNamespace } from "../harness/namespace.ts";
import { installOperatorRights, operatorAccount } from "../harness/operator-rights.ts";
import { waitFor } from "../harness/wait.ts";
import { kubeconfigText } from "../integration/kube/cluster.ts";
import { OperatorProcess } from "../integration/operator/operator-process.ts";
import type { PodsAtOnce } from "../integration/operator/pods-at-once.ts";
import type { ScriptedPrometheus } from "../integration/operator/scripted-prometheus.ts";
import { install, models, paths, service, worker } from "../integration/operator/shop.ts";
import {
  auditTrail,
  type EndState,
  endState,
  nameless,
  type Outcome,
  outcome,
  type ShopObject,
  type Trail,
} from "./end-state.ts";

/** What all loops share. */
export interface Bed {
  readonly cluster: ControlPlane;
  readonly pods: PodsAtOnce;
  readonly prometheus: ScriptedPrometheus;
  readonly dir: string;
}

export interface Ended {
  readonly state: EndState;
  readonly trail: Trail;
  readonly outcome: Outcome;
}

interface OperatorChoice {
  readonly proxy?: FaultyProxy;
  /** Folder of an operator that is not the only one. */
  readonly suffix?: string;
  readonly leaseDuration?: string;
}

type Condition = { readonly type: string; readonly status: string };
const isStalled = ({ type, status }: Condition): boolean => type === "Stalled" && status === "True";

/**
 * One whole loop in a namespace of its own. Its operators have the ServiceAccount that the chart gives an operator of this
 * one namespace, so that every loop also proves that those Roles are enough (decision 39).
 */
export class Loop {
  readonly namespace: string;
  readonly proxy: FaultyProxy;
  readonly #bed: Bed;
  readonly #home: string;
  readonly #token: string;
  readonly #proxies: FaultyProxy[];
  readonly #operators: OperatorProcess[] = [];
  /** Every Job that there has been, by UID; those that are gone too. */
  readonly #jobs = new Map<string, string>();
  readonly #watching = new AbortController();
  #stopped = false;

  private constructor(
    bed: Bed,
    place: { readonly namespace: string; readonly home: string; readonly token: string },
    proxy: FaultyProxy,
  ) {
    this.#bed = bed;
    this.namespace = place.namespace;
    this.#home = place.home;
    this.#token = place.token;
    this.proxy = proxy;
    this.#proxies = [proxy];
    void bed.cluster.api.watch<KubeObject>(paths(this.namespace).jobs, this.#watching.signal, ({ object }) => {
      this.#jobs.set(object.metadata.uid ?? "", nameless(object.metadata.name, this.namespace));
    });
  }

  static async prepare(bed: Bed, prefix: string): Promise<Loop> {
    const { cluster, pods } = bed;
    const namespace = await makeNamespace(cluster.api, prefix);
    // The release has a namespace of its own, as the chart's users have it: the leader's lease is there.
    const home = `${namespace}-home`;
    await cluster.api.create("/api/v1/namespaces", { metadata: { name: home } });
    await installOperatorRights(cluster.api, home, namespace);
    const { token } = await serviceAccountAccess(cluster, home, operatorAccount);
    pods.serve(namespace, worker());
    await install(cluster.api, namespace);
    return new Loop(bed, { namespace, home, token }, await proxyOf(cluster));
  }

  /** Another way to the API server, for another operator. */
  async anotherProxy(): Promise<FaultyProxy> {
    const proxy = await proxyOf(this.#bed.cluster);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** An operator that is started again whenever it ends, as a kubelet does. */
  async supervised(choice: OperatorChoice = {}): Promise<() => OperatorProcess> {
    let current = await this.operator(choice);
    const watch = (): void =>
      current.onEnd(() => {
        if (this.#stopped) return;
        void this.operator(choice).then((next) => {
          current = next;
          watch();
        });
      });
    watch();
    return () => current;
  }

  async operator({ proxy = this.proxy, suffix = "", ...options }: OperatorChoice = {}): Promise<OperatorProcess> {
    const { cluster, prometheus, dir } = this.#bed;
    const operator = new OperatorProcess({
      ...options,
      dir: join(dir, suffix),
      namespace: this.namespace,
      leaseNamespace: this.#home,
      prometheus: prometheus.url,
      kubeconfigText: kubeconfigText(proxy.url, cluster.ca, this.#token),
    });
    this.#operators.push(operator);
    await operator.start();
    return operator;
  }

  async order(): Promise<void> {
    const { cluster, prometheus } = this.#bed;
    await cluster.api.create(paths(this.namespace).kind("embeddingservices"), service(this.namespace, prometheus.url));
  }

  /** Who leads. */
  async holder(): Promise<string> {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${this.#home}/leases/evenkeel-operator`;
    return (await this.#bed.cluster.api.get<{ spec: { holderIdentity?: string } }>(path)).spec.holderIdentity ?? "";
  }

  /** Waits until nothing is left to do. */
  async end(): Promise<Ended> {
    const { api } = this.#bed.cluster;
    const shop = await waitFor(
      `the loop of ${this.namespace} to end`,
      async () => {
        const now = await api.get<ShopObject>(paths(this.namespace).service);
        const { phase, rollout, activeVersion, audit } = now.status;
        if (phase !== "Steady" || rollout || activeVersion?.uri !== models.second) return null;
        if (audit.pending.length > 0 || audit.taken.length > 0) return null;
        const { items: pools } = await api.get<{ items: object[] }>(paths(this.namespace).deployments);
        if (pools.length !== 2) return null;
        const { items: versions } = await api.get<{ items: { status?: { phase: string } }[] }>(
          paths(this.namespace).kind("modelversions"),
        );
        if (!versions.some(({ status }) => status?.phase === "Retired")) return null;
        const { items: rollouts } = await api.get<{ items: { status?: { conditions?: Condition[] } }[] }>(
          paths(this.namespace).kind("modelrollouts"),
        );
        // A write that got no answer in time is tried again; until then it is said here.
        const stalled = rollouts.flatMap(({ status }) => status?.conditions ?? []).filter(isStalled);
        if (stalled.length > 0) return null;
        const { items: jobs } = await api.get<{ items: { metadata: { finalizers?: string[] } }[] }>(
          paths(this.namespace).jobs,
        );
        return jobs.every(({ metadata }) => !metadata.finalizers?.length) && now;
      },
      { withinMs: 300_000, everyMs: 500 },
    );
    const trail = await auditTrail(api, this.namespace, shop);
    return {
      state: await endState(api, this.namespace),
      trail,
      outcome: await outcome(api, this.namespace, trail, [...this.#jobs.values()]),
    };
  }

  /** For a failure's message: where it stands, and what the operators said. */
  async account(): Promise<string> {
    const shop = await this.#bed.cluster.api.find<ShopObject>(paths(this.namespace).service);
    const logs = await Promise.all(
      [...new Set(this.#operators.map(({ log }) => log))].map((log) => readFile(log, "utf8")),
    );
    return `${JSON.stringify(shop?.status)}\n${logs.join("\n").slice(-4000)}`;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watching.abort();
    for (const operator of this.#operators) await operator.kill();
    for (const proxy of this.#proxies) await proxy.stop();
    for (const namespace of [this.namespace, this.#home]) {
      await this.#bed.cluster.api.delete(`/api/v1/namespaces/${namespace}`);
    }
  }
}

async function proxyOf({ url, ca }: ControlPlane): Promise<FaultyProxy> {
  return FaultyProxy.start({ upstream: { url, ca } });
}
