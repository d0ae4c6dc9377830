import { type GatewayConfig } from "../api/index.ts";
import { Informer, type Kube, type Pod, pods, type Stored } from "../kube/index.ts";
import type { PodDirectory } from "./pod-directory.ts";
import { identify, isOfDeployment } from "./pod-identity.ts";

export type PodWatchOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  readonly model: GatewayConfig["model"];
  readonly directory: PodDirectory;
  /** After each change. */
  readonly onChange: () => void;
  readonly onFault: (error: unknown) => void;
};

/** Pods of one Deployment, and the selector that finds them, as the API server takes it in a query. */
export type PodPool = { readonly selector: string; readonly deployment: string };

type Scope = { readonly deployment: string; readonly informer: Informer<Pod>; readonly stop: AbortController };

/** Follows the pods of some Deployments, and keeps the directory as they are. */
export class PodWatch {
  readonly #options: PodWatchOptions;
  readonly #scopes = new Map<string, Scope>();

  constructor(options: PodWatchOptions) {
    this.#options = options;
  }

  /** Whether the pods of all pools have been listed once. */
  synced(): boolean {
    return [...this.#scopes.values()].every(({ informer }) => informer.synced());
  }

  /** Names of pods that have a pool's labels and are not of its Deployment. */
  strays(): string[] {
    const labelled = [...this.#scopes.values()].flatMap(({ informer }) => [...informer.list()]);
    const strays = labelled.filter((pod) => !this.#isOfAny(pod)).map(({ metadata }) => metadata.name);
    return [...new Set(strays)].sort();
  }

  follow(pools: readonly PodPool[]): void {
    const wanted = new Map(pools.map((pool) => [`${pool.deployment} ${pool.selector}`, pool]));
    for (const [key, pool] of wanted) if (!this.#scopes.has(key)) this.#start(key, pool);
    for (const [key, scope] of this.#scopes) {
      if (wanted.has(key)) continue;
      this.#scopes.delete(key);
      scope.stop.abort();
      for (const pod of scope.informer.list()) this.#dropUnlessSeen(pod);
    }
    this.#options.onChange();
  }

  stop(): void {
    for (const { stop } of this.#scopes.values()) stop.abort();
    this.#scopes.clear();
  }

  #start(key: string, { selector, deployment }: PodPool): void {
    const { kube, namespace, onFault, onChange, directory, model } = this.#options;
    const stop = new AbortController();
    const informer = new Informer<Pod>({
      kube,
      resource: pods,
      namespaces: [namespace],
      labelSelector: selector,
      onFault,
    });
    this.#scopes.set(key, { deployment, informer, stop });
    informer.on((change) => {
      if (stop.signal.aborted) return;
      if (change.type === "Deleted") this.#dropUnlessSeen(change.old);
      else if (isOfDeployment(change.object, deployment)) directory.put(identify(change.object, model));
      else this.#dropUnlessSeen(change.object);
      onChange();
    });
    informer.run(stop.signal).catch(onFault);
    informer.whenSynced(stop.signal).then(onChange, () => {});
  }

  #dropUnlessSeen(pod: Stored<Pod>): void {
    const { namespace, name, uid } = pod.metadata;
    const seen = [...this.#scopes.values()].some(({ informer, deployment }) => {
      const known = informer.get({ namespace, name });
      return known?.metadata.uid === uid && isOfDeployment(known, deployment);
    });
    if (!seen) this.#options.directory.remove(uid);
  }

  #isOfAny(pod: Pod): boolean {
    return [...this.#scopes.values()].some(({ deployment }) => isOfDeployment(pod, deployment));
  }
}
