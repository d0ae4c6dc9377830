import type { Identity } from "./call-options.ts";
import type { Kube } from "./client.ts";
import { type Clock, systemClock } from "./clock.ts";
import { isKubeError, KubeError } from "./error.ts";
import { compareResourceVersions, formatKey, type Key, type KubeObject, keyOf, type Stored } from "./object.ts";
import { follow, type ReflectorEvents, type ReflectorOptions } from "./reflector.ts";
import type { Resource } from "./resource.ts";
import { type Change, type Index, Store } from "./store.ts";
import { decode, identity } from "./wire.ts";

export interface InformerOptions<T extends KubeObject> extends ReflectorOptions {
  kube: Kube;
  resource: Resource<T>;
  /** Only these namespaces, each by a list and a watch of its own; absent: all. */
  namespaces?: readonly string[] | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** What is kept of an object. The default drops `managedFields`, often half of it. */
  transform?: (object: Stored<T>) => Stored<T>;
  indexes?: Readonly<Record<string, Index<T>>>;
  /** Told of every fault that was survived. */
  onFault?: (error: KubeError) => void;
  /** An object on the server does not parse: told once for each reason. See `unreadable`. */
  onUnparseable?: (key: Key, error: KubeError) => void;
  clock?: Clock;
}

export type Handler<T extends KubeObject> = (change: Change<T>) => void;

/**
 * A cache of the objects of one resource that follows the API server, and tells of every change.
 *
 * It survives whatever a connection does; after a gap it lists anew and tells of what was deleted meanwhile, once. An
 * object that is there and does not parse is not deleted: what was last read of it stays, and `unreadable` says so.
 */
export class Informer<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly #store: Store<T>;
  readonly #options: InformerOptions<T>;
  readonly #scopes: Scope[];
  readonly #handlers = new Set<Handler<T>>();
  readonly #onProgress = new Set<() => void>();
  readonly #unreadable = new Map<string, { readonly key: Key; readonly error: KubeError }>();
  #lastFault: KubeError | null = null;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.resource = options.resource;
    this.#store = new Store(options.indexes);
    const namespaces: readonly (string | undefined)[] = options.namespaces ?? [undefined];
    this.#scopes = [...new Set(namespaces)].map((namespace) => ({ namespace, version: null }));
  }

  /** Follows the server until `signal` is aborted. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#scopes.map((scope) => this.#followScope(scope, signal)));
  }

  /** Whether everything has been listed once. */
  synced(): boolean {
    return this.#scopes.every(({ version }) => version !== null);
  }

  /** Resolves when synced; rejects with the signal's reason. */
  async whenSynced(signal?: AbortSignal): Promise<void> {
    await this.#until(() => this.synced(), signal);
  }

  get size(): number {
    return this.#store.size;
  }

  get(key: Key): Stored<T> | null {
    return this.#store.get(key);
  }

  /**
   * Why the object of that name cannot be read as it is now; null when it can, or when there is none. What `get` gives of
   * it then is older, or null though it is there: hold still.
   */
  unreadable(key: Key): KubeError | null {
    return this.#unreadable.get(formatKey(key))?.error ?? null;
  }

  /** Objects that cannot be read as they are now. */
  unreadableKeys(): Key[] {
    return [...this.#unreadable.values()].map(({ key }) => key);
  }

  /** Objects of a namespace, or all. Not copies: do not change them. */
  *list(namespace?: string): Generator<Stored<T>, void, undefined> {
    for (const object of this.#store.values()) {
      if (namespace === undefined || object.metadata.namespace === namespace) yield object;
    }
  }

  by(index: string, value: string): Stored<T>[] {
    return this.#store.by(index, value);
  }

  /** Tells of every change from now on, after one Added for each object that is there. Returns how to stop. */
  on(handler: Handler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#store.values()) handler({ type: "Added", key: keyOf(object), object });
    return () => void this.#handlers.delete(handler);
  }

  /** The last fault since the stream last made progress: for a readiness page. */
  get lastFault(): KubeError | null {
    return this.#lastFault;
  }

  /**
   * Whether the cache holds the state as of `resourceVersion` of an object under `key`, or a later one.
   * `null` when versions of this server cannot be compared and the object is not there in just this version.
   */
  hasSeen(key: Key, resourceVersion: string): boolean | null {
    const scope = this.#scopes.find((each) => covers(each, key));
    if (!scope?.version) return false;
    if (this.get(key)?.metadata.resourceVersion === resourceVersion) return true;
    const order = compareResourceVersions(scope.version, resourceVersion);
    return order === null ? null : order >= 0;
  }

  /** Resolves when the cache has seen that version. */
  async whenSeen(key: Key, resourceVersion: string, signal?: AbortSignal): Promise<void> {
    await this.#until(() => this.hasSeen(key, resourceVersion) === true, signal);
  }

  async #followScope(scope: Scope, signal: AbortSignal): Promise<void> {
    const {
      kube,
      resource,
      labelSelector,
      fieldSelector,
      transform = dropManagedFields,
      clock = systemClock,
    } = this.#options;
    let listed = new Set<string>();
    const events: ReflectorEvents<T> = {
      listing: () => {
        listed = new Set();
      },
      page: (items) => {
        for (const item of items) {
          listed.add(formatKey(identity(item).key));
          const object = this.#decode(resource, item);
          if (object) this.#put(transform(object));
        }
      },
      listed: (version) => {
        for (const [id, { key }] of this.#unreadable) {
          if (!listed.has(id) && covers(scope, key)) this.#unreadable.delete(id);
        }
        this.#tell(this.#store.retain(listed, scope.namespace));
        listed = new Set();
        this.#advance(scope, version);
      },
      changed: (batch) => {
        for (const event of batch) {
          switch (event.type) {
            case "Added":
            case "Modified":
              this.#put(transform(event.object));
              break;
            case "Deleted":
              this.#remove(keyOf(event.object));
              break;
            case "Gone":
              this.#remove(event.key);
              break;
            case "Unparseable":
              this.#refuse(event, event.error);
              break;
            case "Bookmark":
              break;
          }
        }
      },
      progressed: (version) => {
        this.#lastFault = null;
        this.#advance(scope, version);
      },
      failed: (error) => {
        this.#lastFault = error;
        this.#options.onFault?.(error);
      },
    };
    const selection = { namespace: scope.namespace, labelSelector, fieldSelector };
    await follow(kube, resource, selection, events, this.#options, clock, signal);
  }

  #decode(resource: Resource<T>, item: unknown): Stored<T> | null {
    try {
      return decode(resource, item);
    } catch (error) {
      if (!isKubeError(error, "Unparseable")) throw error;
      this.#refuse(identity(item), error);
      return null;
    }
  }

  #put(object: Stored<T>): void {
    this.#unreadable.delete(formatKey(keyOf(object)));
    this.#tell(this.#store.put(object));
  }

  #remove(key: Key): void {
    this.#unreadable.delete(formatKey(key));
    this.#tell(this.#store.remove(key));
  }

  #refuse({ key, uid }: Identity, error: KubeError): void {
    const id = formatKey(key);
    const known = this.#unreadable.get(id)?.error.message === error.message;
    this.#unreadable.set(id, { key, error });
    // Another one has taken its name: what was last read was of one that is deleted.
    if (this.get(key) && this.get(key)?.metadata.uid !== uid) this.#tell(this.#store.remove(key));
    if (!known) this.#options.onUnparseable?.(key, error);
  }

  #advance(scope: Scope, version: string): void {
    scope.version = version;
    for (const check of this.#onProgress) check();
  }

  #tell(changes: readonly Change<T>[]): void {
    for (const change of changes) {
      for (const handler of this.#handlers) {
        try {
          handler(change);
        } catch (cause) {
          // One bad handler must not make the cache lose the rest of the stream.
          this.#options.onFault?.(new KubeError("Other", `a handler of ${this.resource.plural} threw`, { cause }));
        }
      }
    }
  }

  #until(condition: () => boolean, signal?: AbortSignal): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#onProgress.delete(check);
        signal?.removeEventListener("abort", onAbort);
      };
      const check = () => {
        if (!condition()) return;
        stop();
        resolve();
      };
      const onAbort = () => {
        stop();
        reject(signal?.reason);
      };
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      this.#onProgress.add(check);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

interface Scope {
  readonly namespace: string | undefined;
  /** Up to where the cache is complete; null before the first list. */
  version: string | null;
}

function covers({ namespace }: Scope, key: Key): boolean {
  return namespace === undefined || namespace === key.namespace;
}

function dropManagedFields<T extends KubeObject>(object: Stored<T>): Stored<T> {
  delete object.metadata.managedFields;
  return object;
}
