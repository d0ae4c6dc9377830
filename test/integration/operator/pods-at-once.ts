import { gatewayConfig } from "../../../src/api/index.ts";
import type { ConfigMap, Pod } from "../../../src/kube/index.ts";
import type { KubernetesApi } from "../../harness/kubernetes-api.ts";
import { ApiError } from "../../harness/kubernetes-api.ts";

/** How a container of a Job ends. */
export interface ContainerEnd {
  readonly exitCode: number;
  readonly message?: string;
}

/** What the container of a Job's pod does, told its request; null: it goes on working. */
export type Work = (request: { readonly kind: string; readonly run: string }, pod: Pod) => ContainerEnd | null;

/**
 * Stands in for nodes where no process need run: every pod of its namespaces is ready at once, a Job's pod ends as `work`
 * says, and gateways report the routing that they were told. The Deployments, ReplicaSets and Jobs over the pods are the
 * real controller manager's.
 */
export class PodsAtOnce {
  readonly #api: KubernetesApi;
  readonly #stopped = new AbortController();
  readonly #namespaces = new Map<string, { work: Work; ready: (pod: Pod) => boolean }>();
  readonly #pods = new Map<string, Pod>();
  readonly #configs = new Map<string, ConfigMap>();

  constructor(api: KubernetesApi) {
    this.#api = api;
    const { signal } = this.#stopped;
    void api.watch<Pod>("/api/v1/pods", signal, ({ type, object }) => {
      const id = `${object.metadata.namespace}/${object.metadata.name}`;
      if (type === "DELETED") this.#pods.delete(id);
      else this.#pods.set(id, object);
      void this.#play(object.metadata.namespace ?? "");
    });
    void api.watch<ConfigMap>("/api/v1/configmaps?labelSelector=evenkeel.dev/gateway", signal, ({ type, object }) => {
      if (type !== "DELETED") this.#configs.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
      void this.#play(object.metadata.namespace ?? "");
    });
  }

  /** @param ready  which pods become ready; default all */
  serve(namespace: string, work: Work, ready: (pod: Pod) => boolean = () => true): void {
    this.#namespaces.set(namespace, { work, ready });
    void this.#play(namespace);
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #play(namespace: string): Promise<void> {
    const rules = this.#namespaces.get(namespace);
    if (!rules) return;
    const pods = [...this.#pods.values()].filter(({ metadata }) => metadata.namespace === namespace);
    await Promise.all(pods.map((pod) => this.#quietly(() => this.#playPod(pod, rules))));
    await this.#quietly(() => this.#report(namespace, pods));
  }

  async #playPod(pod: Pod, { work, ready }: { work: Work; ready: (pod: Pod) => boolean }): Promise<void> {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
    const { phase = "Pending" } = pod.status ?? {};
    if (phase === "Succeeded" || phase === "Failed") return;
    const [container] = pod.spec?.containers ?? [];
    if (!container) return;
    const at = new Date().toISOString();
    const told = container.env?.find(({ name }) => name === "EVENKEEL_RUN")?.value;
    const end = told === undefined ? null : work(JSON.parse(told), pod);
    if (end) {
      const startedAt = pod.metadata.creationTimestamp ?? at;
      const terminated = { exitCode: end.exitCode, message: end.message, startedAt, finishedAt: at };
      const state = { ...containerStatus(container.name), ready: false, state: { terminated } };
      const status = { phase: end.exitCode === 0 ? "Succeeded" : "Failed", containerStatuses: [state] };
      await this.#api.patchStatus(path, { status });
      return;
    }
    if (phase === "Running" || !ready(pod) || pod.metadata.deletionTimestamp !== undefined) return;
    const condition = (type: string) => ({ type, status: "True", lastTransitionTime: at });
    const state = { ...containerStatus(container.name), ready: true, state: { running: { startedAt: at } } };
    await this.#api.patchStatus(path, {
      status: {
        phase: "Running",
        conditions: [condition("Ready"), condition("ContainersReady")],
        containerStatuses: [state],
      },
    });
  }

  async #report(namespace: string, pods: readonly Pod[]): Promise<void> {
    for (const config of this.#configs.values()) {
      const text = config.data?.["gateway.json"];
      if (config.metadata.namespace !== namespace || text === undefined) continue;
      const service = config.metadata.labels?.["evenkeel.dev/gateway"] ?? "";
      const { generation, routing } = gatewayConfig.parse(JSON.parse(text));
      // Every pod gives the vectors of its model.
      const answering = Object.fromEntries(
        [routing.stable, routing.candidate].flatMap((to) => (to ? [[to.digest, 1]] : [])),
      );
      const gateways = pods.filter(
        ({ metadata, status }) => metadata.labels?.["evenkeel.dev/gateway"] === service && status?.phase === "Running",
      );
      const path = `/api/v1/namespaces/${namespace}/configmaps/${service}-gateway-reports`;
      const reports = await this.#api.find<ConfigMap>(path);
      const missing = gateways.filter(({ metadata }) => generationIn(reports?.data?.[metadata.name]) !== generation);
      if (!reports || missing.length === 0) continue;
      const report = JSON.stringify({ generation, ready: true, pods: answering, at: new Date().toISOString() });
      await this.#api.patch(path, { data: Object.fromEntries(missing.map(({ metadata }) => [metadata.name, report])) });
    }
  }

  /** What it plays on may be gone meanwhile. */
  async #quietly(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      if (error instanceof ApiError && (error.status === 404 || error.status === 409 || error.status === 403)) return;
      console.error("pods at once:", error);
    }
  }
}

function generationIn(report: string | undefined): number {
  return report === undefined ? -1 : JSON.parse(report).generation;
}

function containerStatus(name: string) {
  return { name, image: "test", imageID: "", restartCount: 0, started: true };
}
