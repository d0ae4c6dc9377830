import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type ConfigMap,
  configMaps,
  formatKey,
  Informer,
  type Kube,
  KubeError,
  keyOf,
  namespaces,
} from "../../../src/kube/index.ts";
import type { ApiCall } from "../../harness/api-request.ts";
import { type Fault, FaultyProxy } from "../../harness/faulty-proxy.ts";
import { waitFor } from "../../harness/wait.ts";
import { connectShared, freshNamespace, startProxy } from "./cluster.ts";

let direct: Kube;
let proxied: Kube;
let proxy: FaultyProxy;
let namespace: string;
let stop: AbortController;
let running: Promise<void>;
let informer: Informer<ConfigMap>;
let faults: KubeError[];
/** What the handlers were told, folded: it must be what the server has, and no object may come or go twice. */
let told: Map<string, string>;
const recoveries: [string, number][] = [];

beforeAll(async () => {
  direct = await connectShared();
});
afterAll(async () => {
  await direct.close();
  const lines = recoveries.map(([fault, ms]) => `  ${fault.padEnd(44)} ${ms.toFixed(0).padStart(6)} ms`);
  process.stdout.write(`\nrecovery of an informer after a fault:\n${lines.join("\n")}\n`);
});

beforeEach(async () => {
  namespace = await freshNamespace(direct, "faults");
  await waitFor("the namespace's own ConfigMap", () => direct.get(configMaps, { namespace, name: "kube-root-ca.crt" }));
  proxy = await startProxy();
  proxied = await connectShared(proxy, { timeoutMs: 2_000 });
  stop = new AbortController();
  faults = [];
  told = new Map();
});
afterEach(async () => {
  stop.abort();
  await running;
  await proxied.close();
  await proxy.stop();
  await direct.delete(namespaces, { name: namespace });
});

function start(): void {
  informer = new Informer({
    kube: proxied,
    resource: configMaps,
    namespaces: [namespace],
    pageSize: 3,
    idleTimeoutMs: 1_000,
    backoff: { baseMs: 20, maxMs: 500, jitter: 0.5 },
    onFault: (error) => faults.push(error),
  });
  informer.on((change) => {
    const id = formatKey(change.key);
    const known = told.get(id);
    if (change.type === "Added" && known !== undefined) throw new Error(`${id} was added twice`);
    if (change.type !== "Added" && known !== change.old.metadata.uid) throw new Error(`${id} was not there`);
    if (change.type === "Deleted") told.delete(id);
    else told.set(id, change.object.metadata.uid);
  });
  running = informer.run(stop.signal);
}

const create = (name: string) => direct.create(configMaps, { metadata: { name, namespace }, data: { n: "0" } });
const change = (name: string, n: number) =>
  direct.mergePatch(configMaps, { namespace, name }, { data: { n: String(n) } });
const remove = (name: string) => direct.delete(configMaps, { namespace, name });
const isWatch = ({ verb, namespace: of }: ApiCall) => verb === "watch" && of === namespace;
const isList = ({ verb, namespace: of }: ApiCall) => verb === "list" && of === namespace;

/** Changes of each sort while the fault is on, then waits until the cache is what the server has. */
async function churn(): Promise<void> {
  await create("new");
  await change("kept", 1);
  await remove("gone");
  await remove("again");
  await create("again");
  await change("kept", 2);
}

async function serverState(): Promise<string[]> {
  const { items } = await direct.list(configMaps, { namespace });
  return items.map(({ metadata }) => `${formatKey(metadata)} ${metadata.uid} ${metadata.resourceVersion}`).sort();
}

async function untilEqual(): Promise<void> {
  const state = await serverState();
  await waitFor(
    "the cache to be what the server has",
    () => {
      const cached = [...informer.list()].map(
        ({ metadata }) => `${formatKey(metadata)} ${metadata.uid} ${metadata.resourceVersion}`,
      );
      return cached.sort().join("\n") === state.join("\n");
    },
    { withinMs: 20_000, everyMs: 5 },
  );
  const uids = [...informer.list()].map((object) => [formatKey(keyOf(object)), object.metadata.uid] as const);
  expect(told).toEqual(new Map(uids));
  expect(faults.filter(({ kind }) => kind === "Other").map(({ cause }) => String(cause))).toEqual([]);
}

const expired = JSON.stringify({
  type: "ERROR",
  object: {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    code: 410,
    reason: "Expired",
    message: "too old resource version",
  },
});

describe("a watch", () => {
  const cases: readonly (readonly [string, Fault, readonly Partial<KubeError>[]])[] = [
    ["reset in the middle of an event", { kind: "Cut", afterBytes: 300 }, [{ kind: "Unavailable" }]],
    ["reset between two events", { kind: "Cut", afterLines: 2 }, [{ kind: "Unavailable" }]],
    ["ended between two events", { kind: "Cut", afterLines: 2, how: "End" }, []],
    [
      "ended in the middle of an event",
      { kind: "HalfLine", afterLines: 1 },
      [{ kind: "Unavailable", message: expect.stringContaining("in the middle of a line") }],
    ],
    [
      "reset in the middle of an event, half sent",
      { kind: "HalfLine", afterLines: 1, how: "Reset" },
      [{ kind: "Unavailable" }],
    ],
    // Nobody can tell it from one where nothing happens: it is opened anew, and is no fault.
    ["gone silent after an event", { kind: "Stall", afterLines: 1 }, []],
    ["ERROR event 410 in the stream", { kind: "Inject", afterLines: 1, line: expired }, [{ kind: "Expired" }]],
    [
      "rubbish in the stream",
      { kind: "Inject", afterLines: 1, line: "<html>bad gateway</html>" },
      [{ kind: "Unavailable", message: expect.stringContaining("JSON") }],
    ],
  ];
  it.each(cases)("%s loses nothing", async (name, fault, expected) => {
    for (const object of ["kept", "gone", "again"]) await create(object);
    const struck = proxy.fault({ when: isWatch, fault });
    start();
    await informer.whenSynced();
    const startedAt = performance.now();
    await churn();
    await waitFor("the fault to strike", () => struck.spent());
    await untilEqual();
    recoveries.push([`watch ${name}`, performance.now() - startedAt]);
    expect(faults).toMatchObject(expected);
    expect(faults).toHaveLength(expected.length);
    const silence = fault.kind === "Stall" ? 1_000 : 0;
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(silence - 10);
  });

  const refusals: readonly (readonly [string, Fault, number])[] = [
    ["refused with 410", { kind: "Answer", status: 410, reason: "Expired" }, 1],
    ["refused with 500, three times", { kind: "Answer", status: 500 }, 3],
    ["refused with 503, three times", { kind: "Answer", status: 503 }, 3],
    ["refused with 429 and Retry-After 1 s", { kind: "Answer", status: 429, retryAfterSeconds: 1 }, 1],
    ["delayed by 300 ms", { kind: "Delay", ms: 300 }, 1],
    ["never answered", { kind: "NeverAnswer" }, 1],
  ];
  it.each(refusals)("%s when it is opened again loses nothing", async (name, fault, times) => {
    for (const object of ["kept", "gone", "again"]) await create(object);
    start();
    await informer.whenSynced();
    await waitFor("the first watch", () => proxy.calls.some(isWatch));
    const struck = proxy.fault({ when: isWatch, fault, times });
    const startedAt = performance.now();
    proxy.cutAll();
    await churn();
    await untilEqual();
    await waitFor("the fault to be over", () => struck.spent());
    recoveries.push([`watch ${name}`, performance.now() - startedAt]);
    const { retryAfterSeconds = 0 } = fault.kind === "Answer" ? fault : {};
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(retryAfterSeconds * 1000 - 10);
  });

  it("that cannot go on for ever lists again and tells of what was deleted meanwhile, once", async () => {
    for (const object of ["kept", "gone", "again"]) await create(object);
    start();
    await informer.whenSynced();
    await waitFor("the first watch", () => proxy.calls.some(isWatch));
    const down = proxy.fault({
      when: (call) => isWatch(call) || isList(call),
      fault: { kind: "Answer", status: 503 },
      times: 1e9,
    });
    proxy.cutAll();
    await churn();
    await waitFor("several tries", () => faults.length > 3);
    down.remove();
    proxy.fault({ when: isWatch, fault: { kind: "Answer", status: 410, reason: "Expired" } });
    const listsBefore = proxy.calls.filter(isList).length;
    const startedAt = performance.now();
    await untilEqual();
    recoveries.push(["outage, then 410", performance.now() - startedAt]);
    expect(proxy.calls.filter(isList).length).toBeGreaterThan(listsBefore);
  });

  it("whose version the server does not know yet, for good (a restored etcd), lists again", async () => {
    for (const object of ["kept", "gone", "again"]) await create(object);
    start();
    await informer.whenSynced();
    await waitFor("the first watch", () => proxy.calls.some(isWatch));
    const listsBefore = proxy.calls.filter(isList).length;
    const ahead = proxy.fault({ when: isWatch, fault: { kind: "Answer", status: 504, reason: "Timeout" }, times: 1e9 });
    const startedAt = performance.now();
    proxy.cutAll();
    await churn();
    await waitFor("another list", () => proxy.calls.filter(isList).length > listsBefore, { everyMs: 5 });
    await untilEqual();
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(["Unavailable", "Timeout"]));
    recoveries.push(["watch refused for good", performance.now() - startedAt]);
    ahead.remove();
  });

  it("goes on from where it was after a plain disconnect, without listing again", async () => {
    await create("kept");
    start();
    await informer.whenSynced();
    await waitFor("the first watch", () => proxy.calls.some(isWatch));
    const listsBefore = proxy.calls.filter(isList).length;
    for (let n = 1; n <= 5; n += 1) {
      proxy.cutAll();
      await change("kept", n);
      await untilEqual();
    }
    expect(proxy.calls.filter(isList)).toHaveLength(listsBefore);
  });
});

describe("a list", () => {
  const cases: readonly (readonly [string, Fault, number])[] = [
    ["cut in its first page", { kind: "Cut", afterBytes: 200 }, 1],
    ["ended in the middle of its JSON", { kind: "Cut", afterBytes: 200, how: "End" }, 1],
    ["refused with 500 more often than the client tries", { kind: "Answer", status: 500 }, 6],
    ["refused with 429 and Retry-After 1 s", { kind: "Answer", status: 429, retryAfterSeconds: 1 }, 1],
    ["delayed by 300 ms", { kind: "Delay", ms: 300 }, 1],
    ["gone silent in its first page", { kind: "Stall", afterBytes: 200 }, 1],
    ["never answered", { kind: "NeverAnswer" }, 1],
  ];
  it.each(cases)("%s loses nothing", async (name, fault, times) => {
    for (let n = 0; n < 8; n += 1) await create(`object-${n}`);
    proxy.fault({ when: isList, fault, times });
    const startedAt = performance.now();
    start();
    await informer.whenSynced();
    await untilEqual();
    recoveries.push([`list ${name}`, performance.now() - startedAt]);
    expect(informer.size).toBe(9);
  });

  it("whose continue token expires is read again at once and whole", async () => {
    for (let n = 0; n < 8; n += 1) await create(`object-${n}`);
    proxy.fault({
      when: (call) => isList(call) && call.query.has("continue"),
      fault: { kind: "Answer", status: 410, reason: "Expired" },
      times: 1e9,
    });
    const startedAt = performance.now();
    start();
    await informer.whenSynced();
    await untilEqual();
    recoveries.push(["list whose continue token expired", performance.now() - startedAt]);
    expect(faults.map(({ kind }) => kind)).toEqual(["Expired"]);
  });
});

it("selects by label: an object that loses the label is deleted from the cache", async () => {
  await direct.create(configMaps, { metadata: { name: "mine", namespace, labels: { app: "x" } } });
  const selected = new Informer({
    kube: proxied,
    resource: configMaps,
    namespaces: [namespace],
    labelSelector: "app=x",
  });
  running = selected.run(stop.signal);
  await selected.whenSynced();
  expect([...selected.list()].map(({ metadata }) => metadata.name)).toEqual(["mine"]);
  await direct.mergePatch(configMaps, { namespace, name: "mine" }, { metadata: { labels: { app: "y" } } });
  await waitFor("the object to leave", () => selected.size === 0);
});

it("has seen a write once its event came, and an object of another selector once a bookmark did", async () => {
  start();
  await informer.whenSynced();
  const object = await create("mine");
  await informer.whenSeen({ namespace, name: "mine" }, object.metadata.resourceVersion);
  expect(informer.get({ namespace, name: "mine" })?.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
  expect(informer.hasSeen({ namespace, name: "mine" }, "999999999999")).toBe(false);
});
