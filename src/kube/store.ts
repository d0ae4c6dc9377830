import { formatKey, type Key, type KubeObject, keyOf, type Stored } from "./object.ts";

/** What happened to an object in the cache. */
export type Change<T extends KubeObject> =
  | { readonly type: "Added"; readonly key: Key; readonly object: Stored<T> }
  | { readonly type: "Updated"; readonly key: Key; readonly object: Stored<T>; readonly old: Stored<T> }
  | { readonly type: "Deleted"; readonly key: Key; readonly old: Stored<T> };

/** Values under which an object is found; none leaves it out. */
export type Index<T extends KubeObject> = (object: Stored<T>) => readonly string[];

/** Objects by key, with indexes. */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, Stored<T>>();
  readonly #indexes: ReadonlyMap<string, { index: Index<T>; keys: Map<string, Set<string>> }>;

  constructor(indexes: Readonly<Record<string, Index<T>>> = {}) {
    this.#indexes = new Map(Object.entries(indexes).map(([name, index]) => [name, { index, keys: new Map() }]));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: Key): Stored<T> | null {
    return this.#objects.get(formatKey(key)) ?? null;
  }

  values(): Iterable<Stored<T>> {
    return this.#objects.values();
  }

  by(indexName: string, value: string): Stored<T>[] {
    const index = this.#indexes.get(indexName);
    if (!index)
      throw new TypeError(`there is no index "${indexName}"; there are: ${[...this.#indexes.keys()].join(", ")}`);
    return [...(index.keys.get(value) ?? [])].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /**
   * Puts an object in its place and says what that changed: nothing when it was there in this version, and two changes
   * when an object of the same name was replaced by another.
   */
  put(object: Stored<T>): Change<T>[] {
    const key = keyOf(object);
    const id = formatKey(key);
    const old = this.#objects.get(id);
    if (old?.metadata.resourceVersion === object.metadata.resourceVersion && old.metadata.uid === object.metadata.uid) {
      return [];
    }
    if (old) this.#unindex(id, old);
    this.#objects.set(id, object);
    this.#index(id, object);
    if (!old) return [{ type: "Added", key, object }];
    if (old.metadata.uid === object.metadata.uid) return [{ type: "Updated", key, object, old }];
    return [
      { type: "Deleted", key, old },
      { type: "Added", key, object },
    ];
  }

  remove(key: Key): Change<T>[] {
    const id = formatKey(key);
    const old = this.#objects.get(id);
    if (!old) return [];
    this.#objects.delete(id);
    this.#unindex(id, old);
    return [{ type: "Deleted", key: keyOf(old), old }];
  }

  /** Removes what `keep` does not name, within one namespace or everywhere. */
  retain(keep: ReadonlySet<string>, namespace: string | undefined): Change<T>[] {
    const gone: Change<T>[] = [];
    for (const [id, object] of this.#objects) {
      if (!keep.has(id) && (namespace === undefined || object.metadata.namespace === namespace)) {
        gone.push(...this.remove(keyOf(object)));
      }
    }
    return gone;
  }

  #index(id: string, object: Stored<T>): void {
    for (const { index, keys } of this.#indexes.values()) {
      for (const value of index(object)) {
        const ids = keys.get(value);
        if (ids) ids.add(id);
        else keys.set(value, new Set([id]));
      }
    }
  }

  #unindex(id: string, object: Stored<T>): void {
    for (const { index, keys } of this.#indexes.values()) {
      for (const value of index(object)) {
        const ids = keys.get(value);
        ids?.delete(id);
        if (ids?.size === 0) keys.delete(value);
      }
    }
  }
}
