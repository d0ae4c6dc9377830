import type { Store } from "../../src/registry/index.ts";

/** A store with some of its methods replaced. */
export function storeWith(store: Store, replaced: Partial<Store>): Store {
  return {
    runs: store.runs,
    evaluations: store.evaluations,
    put: (name, folder, paths) => store.put(name, folder, paths),
    putFiles: (name, files) => store.putFiles(name, files),
    tryWriting: (name) => store.tryWriting(name),
    resolve: (uri) => store.resolve(uri),
    list: (name) => store.list(name),
    peek: (uri, file) => store.peek(uri, file),
    remove: (uri) => store.remove(uri),
    sweep: (name, since) => store.sweep(name, since),
    ...replaced,
  };
}
