import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import {
  type ConfigMap,
  Controller,
  configMaps,
  controllerReference,
  done,
  EventRecorder,
  each,
  events,
  Informer,
  isControlledBy,
  type Kube,
  LeaderElector,
  leases,
  Manager,
  namespaces,
  ownersOf,
  type Requeue,
  type Stored,
  WriteTracker,
} from "../../../src/kube/index.ts";
import type { FaultyProxy } from "../../harness/faulty-proxy.ts";
import { waitFor } from "../../harness/wait.ts";
import { connectShared, freshNamespace, startProxy } from "./cluster.ts";

let direct: Kube;
let namespace: string;

beforeAll(async () => {
  direct = await connectShared();
});
afterAll(async () => {
  await direct.close();
});
beforeEach(async () => {
  namespace = await freshNamespace(direct, "controller");
});
afterEach(async () => {
  await direct.delete(namespaces, { name: namespace });
});

const childrenWanted = 3;

/**
 * A small real controller: every ConfigMap labelled `role=parent` gets children that it owns, one for each number below
 * `data.children`, and those above it go.
 */
function parents(kube: Kube) {
  const parentMaps = new Informer({
    kube,
    resource: configMaps,
    namespaces: [namespace],
    labelSelector: "role=parent",
    idleTimeoutMs: 1_000,
  });
  const childMaps = new Informer<ConfigMap>({
    kube,
    resource: configMaps,
    namespaces: [namespace],
    labelSelector: "role=child",
    idleTimeoutMs: 1_000,
    indexes: { owner: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid) },
  });
  const writes = new WriteTracker();

  const make = (client: Kube) =>
    new Controller({
      name: "parents",
      sources: [each(parentMaps), ownersOf(childMaps, { apiVersion: "v1", kind: "ConfigMap", namespaced: true })],
      writes,
      queue: { backoff: { baseMs: 20, maxMs: 500, jitter: 0.5 } },
      reconcile: async (key, signal): Promise<Requeue> => {
        const parent = parentMaps.get(key);
        if (!parent) return done;
        const children = childMaps.by("owner", parent.metadata.uid);
        const wanted = Number(parent.data?.["children"]);
        // Named by a counter, as a careless controller does: acting on a stale cache would make too many.
        const missing = wanted - children.length;
        for (let n = 0; n < missing; n += 1) {
          const name = `${key.name}-${Math.random().toString(36).slice(2)}`;
          const metadata = {
            name,
            namespace,
            labels: { role: "child" },
            ownerReferences: [controllerReference(parent)],
          };
          writes.wrote(key, childMaps, await client.create(configMaps, { metadata }, { signal }));
        }
        for (const child of children.slice(wanted)) {
          const { uid, resourceVersion } = child.metadata;
          const target = { namespace, name: child.metadata.name };
          await client.delete(configMaps, target, { uid, resourceVersion, signal });
          writes.deleted(key, childMaps, target, uid);
        }
        return done;
      },
    });
  return { informers: [parentMaps, childMaps], make };
}

async function childrenOf(parent: Stored<ConfigMap>): Promise<number> {
  const { items } = await direct.list(configMaps, { namespace, labelSelector: "role=child" });
  return items.filter((child) => isControlledBy(child, parent)).length;
}

const createParent = (name: string) =>
  direct.create(configMaps, {
    metadata: { name, namespace, labels: { role: "parent" } },
    data: { children: `${childrenWanted}` },
  });

it("brings objects to their desired state and keeps them there, and never makes too many", async () => {
  const { informers, make } = parents(direct);
  const manager = new Manager({ informers, controllers: () => [make(direct)] });
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  await waitFor("ready", () => manager.ready().kind === "Healthy");
  const all = await Promise.all(Array.from({ length: 10 }, (_, n) => createParent(`p${n}`)));
  const [first] = all;
  if (!first) throw new Error("no parent");
  for (const parent of all) {
    await waitFor("its children", async () => (await childrenOf(parent)) === childrenWanted, { everyMs: 10 });
  }
  const { items } = await direct.list(configMaps, { namespace, labelSelector: "role=child" });
  expect(items).toHaveLength(10 * childrenWanted);
  // Deleted by hand: it comes back.
  const victim = items.find((child) => isControlledBy(child, first));
  await direct.delete(configMaps, { namespace, name: victim?.metadata.name ?? "" });
  await waitFor("the child to be replaced", async () => (await childrenOf(first)) === childrenWanted);
  await direct.mergePatch(configMaps, { namespace, name: "p0" }, { data: { children: "1" } });
  await waitFor("the others to go", async () => (await childrenOf(first)) === 1);
  expect(manager.live().kind).toBe("Healthy");
  stop.abort();
  await running;
});

it("runs as the leader, gives the lease back at the end, and another goes on", async () => {
  const led: string[] = [];
  const managers = ["a", "b"].map((identity) => {
    const { informers, make } = parents(direct);
    const stop = new AbortController();
    const election = new LeaderElector({
      kube: direct,
      lease: { namespace, name: "leader" },
      identity,
      leaseDurationMs: 2_000,
      onChange: (state, holder) => {
        if (state === "Leading") led.push(holder);
      },
    });
    const controllers: ConstructorParameters<typeof Manager>[0]["controllers"] = (fence) => [
      make(fence ? direct.fenced(fence) : direct),
    ];
    return { identity, stop, running: new Manager({ informers, election, controllers }).run(stop.signal) };
  });
  await waitFor("a leader", () => led.length === 1);
  const one = await createParent("one");
  await waitFor("children", async () => (await childrenOf(one)) === childrenWanted);
  const leader = managers.find(({ identity }) => identity === led[0]);
  leader?.stop.abort();
  await leader?.running;
  await waitFor("the other to lead", () => led.length === 2);
  const two = await createParent("two");
  await waitFor("children", async () => (await childrenOf(two)) === childrenWanted);
  expect(await childrenOf(one)).toBe(childrenWanted);
  for (const { stop } of managers) stop.abort();
  await Promise.all(managers.map(({ running }) => running));
  expect((await direct.get(leases, { namespace, name: "leader" }))?.spec?.holderIdentity).toBe("");
});

it("a manager whose work does not end says what is still at work", async () => {
  await createParent("p");
  const { informers } = parents(direct);
  let begun = false;
  const [parentMaps] = informers;
  if (!parentMaps) throw new Error("no informer");
  const stuck = new Controller({
    name: "stuck",
    sources: [each(parentMaps)],
    reconcile: () => {
      begun = true;
      return new Promise<never>(() => {});
    },
  });
  const stop = new AbortController();
  const running = new Manager({ informers, controllers: () => [stuck], shutdownMs: 100 }).run(stop.signal);
  await waitFor("work", () => begun);
  stop.abort();
  await expect(running).rejects.toThrow(`still at work 100 ms after the stop: stuck ${namespace}/p`);
});

it("while its watches are behind, it waits instead of acting on what it knows is stale", async () => {
  const proxy: FaultyProxy = await startProxy();
  const kube = await connectShared(proxy);
  // Every watch of children goes silent at once; only the idle timeout brings the next, and so on.
  proxy.fault({
    when: ({ verb, query }) => verb === "watch" && query.get("labelSelector") === "role=child",
    fault: { kind: "Stall", afterBytes: 1 },
    times: 3,
  });
  const { informers, make } = parents(kube);
  const outcomes: string[] = [];
  const controller = make(kube);
  const stop = new AbortController();
  const running = new Manager({ informers, controllers: () => [controller] }).run(stop.signal);
  const parent = await createParent("p");
  await waitFor("its children", async () => (await childrenOf(parent)) === childrenWanted);
  for (let n = 0; n < 20; n += 1) {
    await direct.mergePatch(configMaps, { namespace, name: "p" }, { data: { n: `${n}` } });
    outcomes.push(`${await childrenOf(parent)}`);
  }
  expect(new Set(outcomes)).toEqual(new Set([`${childrenWanted}`]));
  stop.abort();
  await running;
  await kube.close();
  await proxy.stop();
});

it("counts up a series when the same event comes again, and drops what is too much", async () => {
  const about = await direct.create(configMaps, { metadata: { name: "about", namespace } });
  let dropped = 0;
  const faults: unknown[] = [];
  const recorder = new EventRecorder({
    kube: direct,
    controller: "example.com/test",
    instance: "test-1",
    burst: 5,
    onDropped: () => {
      dropped += 1;
    },
    onFault: (error) => faults.push(error),
  });
  for (let n = 0; n < 7; n += 1)
    recorder.record({ regarding: about, type: "Normal", reason: "Repeated", note: "the same" });
  for (let n = 0; n < 6; n += 1)
    recorder.record({ regarding: about, type: "Warning", reason: "Differed", note: `${n} ${"ü".repeat(1_000)}` });
  await recorder.flush();
  expect(faults).toEqual([]);
  const { items } = await direct.list(events, { namespace, fieldSelector: "involvedObject.name=about" });
  const repeated = items.filter(({ reason }) => reason === "Repeated");
  expect(repeated).toHaveLength(1);
  expect(repeated[0]).toMatchObject({
    message: "the same",
    type: "Normal",
    reportingComponent: "example.com/test",
    reportingInstance: "test-1",
    series: { count: 7 },
    involvedObject: { kind: "ConfigMap", name: "about", uid: about.metadata.uid },
  });
  expect(items.filter(({ reason }) => reason === "Differed")).toHaveLength(4);
  expect(dropped).toBe(2);
});
