import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import {
  type Change,
  type ConfigMap,
  configMaps,
  Informer,
  type Kube,
  type KubeObject,
  namespaces,
  resource,
} from "../../../src/kube/index.ts";
import { waitFor } from "../../harness/wait.ts";
import { connectShared, freshNamespace } from "./cluster.ts";

let kube: Kube;
const made: string[] = [];
let stop = new AbortController();
let running: Promise<void> = Promise.resolve();

beforeAll(async () => {
  kube = await connectShared();
});
afterEach(async () => {
  stop.abort();
  await running;
  stop = new AbortController();
});
afterAll(async () => {
  for (const name of made) await kube.delete(namespaces, { name });
  await kube.close();
});

async function namespace(): Promise<string> {
  const name = await freshNamespace(kube, "informer");
  made.push(name);
  await waitFor("the namespace's own ConfigMap", () =>
    kube.get(configMaps, { namespace: name, name: "kube-root-ca.crt" }),
  );
  return name;
}

it("follows several namespaces and no others, with an index over all of them", async () => {
  const [a, b, other] = [await namespace(), await namespace(), await namespace()];
  const create = (into: string, name: string, app: string) =>
    kube.create(configMaps, { metadata: { name, namespace: into, labels: { app } }, data: { x: "1" } });
  await create(a, "one", "web");
  await create(other, "one", "web");
  const informer = new Informer<ConfigMap>({
    kube,
    resource: configMaps,
    namespaces: [a, b],
    indexes: { app: ({ metadata }) => (metadata.labels?.["app"] ? [metadata.labels["app"]] : []) },
  });
  running = informer.run(stop.signal);
  await informer.whenSynced();
  const two = await create(b, "two", "web");
  await informer.whenSeen({ namespace: b, name: "two" }, two.metadata.resourceVersion);
  const web = () => informer.by("app", "web").map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  expect(web()).toEqual([`${a}/one`, `${b}/two`]);
  expect([...informer.list(b)].map(({ metadata }) => metadata.name).toSorted()).toEqual(["kube-root-ca.crt", "two"]);
  await kube.delete(configMaps, { namespace: a, name: "one" });
  await waitFor("the deletion", () => web().length === 1);
  expect(informer.get({ namespace: other, name: "one" })).toBeNull();
});

it("drops managed fields, and tells a late handler of what is there", async () => {
  const home = await namespace();
  await kube.create(configMaps, { metadata: { name: "one", namespace: home }, data: { x: "1" } });
  const informer = new Informer({ kube, resource: configMaps, namespaces: [home] });
  running = informer.run(stop.signal);
  await informer.whenSynced();
  expect(informer.get({ namespace: home, name: "one" })?.metadata.managedFields).toBeUndefined();
  const told: string[] = [];
  const off = informer.on((change: Change<ConfigMap>) => told.push(`${change.type} ${change.key.name}`));
  expect(told.toSorted()).toEqual(["Added kube-root-ca.crt", "Added one"]);
  off();
  await kube.delete(configMaps, { namespace: home, name: "one" });
  await waitFor("the deletion", () => informer.get({ namespace: home, name: "one" }) === null);
  expect(told).toHaveLength(2);
});

it("an object that does not parse is told of once, and counts neither as deleted nor as what it was, until it parses", async () => {
  const home = await namespace();
  interface Counter extends KubeObject {
    data: { count: string };
  }
  const { group, version, plural, kind, namespaced } = configMaps;
  const counters = resource<Counter>({
    group,
    version,
    plural,
    kind,
    namespaced,
    parse: (object) => {
      const { data, ...rest } = configMaps.parse(object);
      const count = data?.["count"];
      if (!count || Number.isNaN(Number(count))) throw new Error(`data.count: "${count}" is no number`);
      return { ...rest, data: { count } };
    },
  });
  const create = (name: string, count: string) =>
    kube.create(configMaps, { metadata: { name, namespace: home, labels: { counter: "yes" } }, data: { count } });
  await create("good", "1");
  await create("bad", "x");
  const refused: string[] = [];
  const informer = new Informer({
    kube,
    resource: counters,
    namespaces: [home],
    labelSelector: "counter=yes",
    onUnparseable: (key, error) => refused.push(`${key.name}: ${error.message.split("expected: ")[1]}`),
  });
  running = informer.run(stop.signal);
  await informer.whenSynced();
  const names = () => [...informer.list()].map(({ metadata, data }) => `${metadata.name}=${data.count}`).toSorted();
  expect(names()).toEqual(["good=1"]);
  expect(refused).toEqual(['bad: data.count: "x" is no number']);
  const key = (name: string) => ({ namespace: home, name });
  const set = (name: string, change: object) => kube.mergePatch(configMaps, key(name), change);
  expect(informer.get(key("bad"))).toBeNull();
  expect(informer.unreadable(key("bad"))?.message).toContain("data.count");
  expect(informer.unreadable(key("none"))).toBeNull();
  await set("bad", { data: { count: "2" } });
  await waitFor("it to parse", () => names().length === 2);
  expect(informer.unreadableKeys()).toEqual([]);
  const told: string[] = [];
  informer.on(({ type, key: { name } }) => void told.push(`${type} ${name}`));
  told.length = 0;
  await set("good", { data: { count: "y" } });
  await waitFor("it to be refused", () => informer.unreadable(key("good")) !== null);
  expect(names()).toEqual(["bad=2", "good=1"]);
  // Changed, and refused for the same reason.
  const { metadata } = await set("good", { metadata: { annotations: { touched: "yes" } } });
  await informer.whenSeen(key("good"), metadata.resourceVersion);
  expect(refused).toHaveLength(2);
  expect(told).toEqual([]);
  await kube.delete(configMaps, key("bad"));
  await set("good", { data: { count: "3" } });
  await waitFor("it to be read again", () => names().join() === "good=3");
  expect(told).toEqual(["Deleted bad", "Updated good"]);
  await set("good", { data: { count: "z" } });
  await kube.delete(configMaps, key("good"));
  await waitFor("it to be gone, though its last state cannot be read", () => names().length === 0);
  expect(informer.unreadableKeys()).toEqual([]);
  await create("good", "y");
  await waitFor("it to be refused", () => informer.unreadable(key("good")) !== null);
  await expect(kube.get(counters, { namespace: home, name: "good" })).rejects.toMatchObject({ kind: "Unparseable" });
});

it("of a kind that is not there says so, and is not synced", async () => {
  const informer = new Informer({
    kube,
    resource: resource({ group: "none.example", version: "v1", plural: "things", kind: "Thing", namespaced: true }),
    backoff: { baseMs: 5, maxMs: 20, jitter: 0.5 },
  });
  running = informer.run(stop.signal);
  await waitFor("a fault", () => informer.lastFault);
  expect(informer.lastFault).toMatchObject({ kind: "NotFound" });
  expect([informer.synced(), informer.get({ namespace: "any", name: "x" })]).toEqual([false, null]);
  await expect(informer.whenSynced(AbortSignal.timeout(50))).rejects.toMatchObject({ name: "TimeoutError" });
});
