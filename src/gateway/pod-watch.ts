import { type GatewayConfig } from "../api/index.ts";
import { Informer, type Kube, type Pod, pods, type Stored } from "../kube/index.ts";
import type { PodDirectory } from "./pod-directory.ts";
import { identify } from "./pod-identity.ts";

export type PodWatchOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  readonly model: GatewayConfig["model"];
  readonly directory: PodDirectory;
  /** After each change. */
  readonly onChange: () => void;
  readonly onFault: (error: unknown) => void;
};

type Scope = { readonly informer: Informer<Pod>; readonly stop: AbortController };

/** Follows the pods of some selectors, and keeps the directory as they are. A pod may fall under several. */
export class PodWatch {
  readonly #options: PodWatchOptions;
  readonly #scopes = new Map<string, Scope>();

  constructor(options: PodWatchOptions) {
    this.#options = options;
  }

  /** Whether the pods of all selectors have been listed once. */
  synced(): boolean {
    return [...this.#scopes.values()].every(({ informer }) => informer.synced());
  }

  follow(selectors: readonly string[]): void {
    const wanted = new Set(selectors);
    for (const selector of wanted) if (!this.#scopes.has(selector)) this.#start(selector);
    for (const [selector, scope] of this.#scopes) {
      if (wanted.has(selector)) continue;
      this.#scopes.delete(selector);
      scope.stop.abort();
      for (const pod of scope.informer.list()) this.#dropUnlessSeen(pod);
    }
    this.#options.onChange();
  }

  stop(): void {
    for (const { stop } of this.#scopes.values()) stop.abort();
    this.#scopes.clear();
  }

  #start(selector: string): void {
    const { kube, namespace, onFault, onChange, directory, model } = this.#options;
    const stop = new AbortController();
    const informer = new Informer<Pod>({
      kube,
      resource: pods,
      namespaces: [namespace],
      labelSelector: selector,
      onFault,
    });
    this.#scopes.set(selector, { informer, stop });
    informer.on((change) => {
      if (stop.signal.aborted) return;
      if (change.type === "Deleted") this.#dropUnlessSeen(change.old);
      else directory.put(identify(change.object, model));
      onChange();
    });
    informer.run(stop.signal).catch(onFault);
    informer.whenSynced(stop.signal).then(onChange, () => {});
  }

  #dropUnlessSeen(pod: Stored<Pod>): void {
    const { namespace, name, uid } = pod.metadata;
    const seen = [...this.#scopes.values()].some(
      ({ informer }) => informer.get({ namespace, name })?.metadata.uid === uid,
    );
    if (!seen) this.#options.directory.remove(uid);
  }
}
