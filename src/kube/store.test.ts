import { describe, expect, it } from "vitest";
import type { ConfigMap } from "./builtin.ts";
import type { Stored } from "./object.ts";
import { type Change, Store } from "./store.ts";

function object(name: string, version: string, { uid = name, namespace = "a", app = "" } = {}): Stored<ConfigMap> {
  const metadata = { name, namespace, uid, resourceVersion: version, creationTimestamp: "", labels: { app } };
  return { apiVersion: "v1", kind: "ConfigMap", metadata };
}

const told = (changes: readonly Change<ConfigMap>[]) =>
  changes.map((change) => {
    const versions = [
      change.type === "Added" ? "" : change.old.metadata.resourceVersion,
      change.type === "Deleted" ? "" : change.object.metadata.resourceVersion,
    ];
    return `${change.type} ${change.key.namespace}/${change.key.name} ${versions.join(">")}`;
  });

describe("Store", () => {
  it("says what a put changed", () => {
    const store = new Store<ConfigMap>();
    expect(told(store.put(object("x", "1")))).toEqual(["Added a/x >1"]);
    expect(told(store.put(object("x", "1")))).toEqual([]);
    expect(told(store.put(object("x", "2")))).toEqual(["Updated a/x 1>2"]);
  });

  it("an object of the same name and another UID is a deletion and an addition", () => {
    const store = new Store<ConfigMap>();
    store.put(object("x", "1", { uid: "first" }));
    expect(told(store.put(object("x", "5", { uid: "second" })))).toEqual(["Deleted a/x 1>", "Added a/x >5"]);
  });

  it("removes once", () => {
    const store = new Store<ConfigMap>();
    store.put(object("x", "1"));
    expect(told(store.remove({ namespace: "a", name: "x" }))).toEqual(["Deleted a/x 1>"]);
    expect(told(store.remove({ namespace: "a", name: "x" }))).toEqual([]);
  });

  it("retains what is named, within its namespace", () => {
    const store = new Store<ConfigMap>();
    for (const name of ["x", "y"]) store.put(object(name, "1"));
    store.put(object("z", "1", { namespace: "b" }));
    expect(told(store.retain(new Set(["a/x"]), "a"))).toEqual(["Deleted a/y 1>"]);
    expect(told(store.retain(new Set(["a/x"]), undefined))).toEqual(["Deleted b/z 1>"]);
  });

  it("keeps its indexes with every change", () => {
    const store = new Store<ConfigMap>({
      app: ({ metadata }) => (metadata.labels?.["app"] ? [metadata.labels["app"]] : []),
    });
    const names = (app: string) => store.by("app", app).map(({ metadata }) => metadata.name);
    store.put(object("x", "1", { app: "web" }));
    store.put(object("y", "1", { app: "web" }));
    store.put(object("z", "1"));
    expect(names("web")).toEqual(["x", "y"]);
    store.put(object("x", "2", { app: "db" }));
    expect([names("web"), names("db")]).toEqual([["y"], ["x"]]);
    store.remove({ namespace: "a", name: "y" });
    expect([names("web"), names("db")]).toEqual([[], ["x"]]);
    expect(() => store.by("tier", "x")).toThrow('there is no index "tier"; there are: app');
  });
});
