import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { LeaseFence } from "../../../src/kube/fence.ts";
import {
  configMaps,
  connect,
  isKubeError,
  type Kube,
  KubeError,
  manualClock,
  namespaces,
} from "../../../src/kube/index.ts";
import type { ApiCall } from "../../harness/api-request.ts";
import { FaultyProxy } from "../../harness/faulty-proxy.ts";
import { waitFor } from "../../harness/wait.ts";
import { connectShared, freshNamespace, kubeconfigText, startProxy } from "./cluster.ts";

let direct: Kube;
let kube: Kube;
let proxy: FaultyProxy;
let namespace: string;
let n = 0;
let name: string;

beforeAll(async () => {
  direct = await connectShared();
  namespace = await freshNamespace(direct, "transport");
  proxy = await startProxy();
  kube = await connectShared(proxy, { timeoutMs: 3_000 });
});
afterAll(async () => {
  await direct.delete(namespaces, { name: namespace });
  await Promise.all([kube.close(), direct.close()]);
  await proxy.stop();
});
beforeEach(() => {
  name = `object-${n++}`;
  proxy.hook({});
});

const create = (client: Kube) => client.create(configMaps, { metadata: { name, namespace } });
const get = (client: Kube) => client.get(configMaps, { namespace, name });
/** Something that is there whatever the test did. */
const anything = (client: Kube) => client.get(namespaces, { name: "default" });
const calls = (verb: ApiCall["verb"]) => proxy.calls.filter((call) => call.verb === verb && call.name === name).length;
const is = (verb: ApiCall["verb"]) => (call: ApiCall) => call.verb === verb && call.namespace === namespace;

async function failure(call: Promise<unknown>): Promise<KubeError> {
  const error = await call.then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof KubeError)) throw error;
  return error;
}

describe("a read", () => {
  it.each([
    ["an answer that breaks off", { kind: "Cut", afterBytes: 50 }],
    ["an answer that ends too soon", { kind: "Cut", afterBytes: 50, how: "End" }],
    ["a 500", { kind: "Answer", status: 500 }],
    ["a 503 with Retry-After", { kind: "Answer", status: 503, retryAfterSeconds: 1 }],
    ["a 429 with Retry-After", { kind: "Answer", status: 429, retryAfterSeconds: 1 }],
  ] as const)("is tried again after %s", async (_, fault) => {
    await create(direct);
    proxy.fault({ when: is("get"), fault });
    const startedAt = performance.now();
    expect((await get(kube))?.metadata.name).toBe(name);
    expect(calls("get")).toBe(2);
    const asked = "retryAfterSeconds" in fault ? fault.retryAfterSeconds * 1_000 : 0;
    // A timer may fire a hair early.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(asked - 10);
  });

  it.each([
    ["never comes", { kind: "NeverAnswer" }],
    ["goes silent", { kind: "Stall", afterBytes: 50 }],
  ] as const)("whose answer %s ends with its deadline", async (_, fault) => {
    await create(direct);
    proxy.fault({ when: is("get"), fault });
    const error = await failure(kube.get(configMaps, { namespace, name }, { timeoutMs: 200 }));
    expect(error).toMatchObject({ kind: "Timeout" });
    expect(error.message).toContain("no answer within 200 ms");
  });

  it("does not wait for a Retry-After beyond its deadline", async () => {
    proxy.fault({ when: is("get"), fault: { kind: "Answer", status: 429, retryAfterSeconds: 60 } });
    expect(await failure(get(kube))).toMatchObject({ kind: "TooManyRequests", retryAfter: 60_000 });
  });

  it("is given up when the caller aborts", async () => {
    proxy.fault({ when: is("get"), fault: { kind: "NeverAnswer" } });
    const signal = AbortSignal.timeout(50);
    expect(await failure(kube.get(configMaps, { namespace, name }, { signal }))).toMatchObject({ kind: "Aborted" });
  });
});

it("a list whose continue token expired is read once more, whole", async () => {
  for (const suffix of ["a", "b", "c"])
    await direct.create(configMaps, { metadata: { name: `${name}-${suffix}`, namespace } });
  proxy.fault({
    when: ({ query }) => query.has("continue"),
    fault: { kind: "Answer", status: 410, reason: "Expired" },
  });
  const { items } = await kube.list(configMaps, { namespace, pageSize: 2 });
  const whole = await direct.list(configMaps, { namespace });
  expect(items.map(({ metadata }) => metadata.uid)).toEqual(whole.items.map(({ metadata }) => metadata.uid));
});

it("reads what the server compressed", async () => {
  const text = "x".repeat(200_000);
  await direct.create(configMaps, { metadata: { name, namespace }, data: { text } });
  const answers = proxy.answers.length;
  const { items } = await kube.list(configMaps, { namespace, fieldSelector: `metadata.name=${name}` });
  expect(items[0]?.data?.["text"]).toBe(text);
  expect(proxy.answers[answers]).toMatchObject({ status: 200, encoding: "gzip" });
});

describe("a write", () => {
  it("is sent again after a 429, which means that it was not done", async () => {
    proxy.fault({ when: is("create"), fault: { kind: "Answer", status: 429, retryAfterSeconds: 1 } });
    expect((await create(kube)).metadata.name).toBe(name);
    expect(calls("create")).toBe(2);
  });

  it("is not sent again when its connection broke: it may have been done", async () => {
    proxy.hook({ after: () => "Drop" });
    expect(await failure(create(kube))).toMatchObject({ kind: "Unavailable", retryable: true });
    expect(calls("create")).toBe(1);
    expect((await get(direct))?.metadata.name).toBe(name);
    proxy.hook({});
    expect(await failure(create(kube))).toMatchObject({ kind: "AlreadyExists" });
  });

  it("that the server never saw did nothing", async () => {
    proxy.hook({ before: () => "Drop" });
    expect(await failure(create(kube))).toMatchObject({ kind: "Unavailable" });
    expect(await get(direct)).toBeNull();
  });

  it("is not sent when its fence ends while it waits for a connection", async () => {
    const clock = manualClock();
    const fence = new LeaseFence(clock);
    fence.extend({ monotonic: 0, wall: 0 }, 10_000);
    const fresh = await connectShared(proxy);
    const writing = failure(create(fresh.fenced(fence)));
    clock.advance(10_000);
    expect(await writing).toMatchObject({ kind: "Fenced", retryable: false });
    expect(calls("create")).toBe(0);
    await fresh.close();
  });

  it("is sent while its fence holds, and given up when it ends", async () => {
    const fence = new LeaseFence();
    fence.extend({ monotonic: performance.now(), wall: Date.now() }, 300);
    await create(kube.fenced(fence));
    proxy.fault({ when: is("delete"), fault: { kind: "NeverAnswer" } });
    const error = await failure(kube.fenced(fence).delete(configMaps, { namespace, name }));
    expect(error.kind).toBe("Fenced");
    expect(fence.remaining()).toBe(0);
  });
});

it("says so when nothing listens there", async () => {
  const gone = await startProxy();
  const client = await connectShared(gone, { timeoutMs: 1_000 });
  await gone.stop();
  const error = await failure(anything(client));
  expect(isKubeError(error, "Unavailable")).toBe(true);
  expect(error.message).toContain("ECONNREFUSED");
  await client.close();
});

it("refuses an untrusted server, and trusts the kubeconfig's authority", async () => {
  const { url, ca, token, dir } = inject("cluster");
  const [cert, key] = await Promise.all(
    ["crt", "key"].map((end) => readFile(`${dir}/certificates/apiserver.${end}`, "utf8")),
  );
  const secure = await FaultyProxy.start({ upstream: { url, ca }, tls: { cert: cert ?? "", key: key ?? "" } });
  const trusting = await connect({ kubeconfigText: kubeconfigText(secure.url, ca, token), fieldManager: "kube-test" });
  expect(await anything(trusting)).not.toBeNull();
  const other = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
  const wary = await connect({
    kubeconfigText: kubeconfigText(secure.url, other, token),
    fieldManager: "kube-test",
    timeoutMs: 1_000,
  });
  expect((await failure(anything(wary))).kind).toBe("Unavailable");
  const stranger = await connect({ kubeconfigText: kubeconfigText(url, ca, "wrong"), fieldManager: "kube-test" });
  expect((await failure(anything(stranger))).kind).toBe("Unauthorized");
  await Promise.all([trusting.close(), wary.close(), stranger.close()]);
  await secure.stop();
});

it.each(["a token in the kubeconfig", "a token from a plugin"])("finds %s that was replaced", async (how) => {
  const { url, ca, token } = inject("cluster");
  const dir = await mkdtemp(join(tmpdir(), "kube-test-"));
  const credential = join(dir, "credential.json");
  const kubeconfig = join(dir, "kubeconfig");
  const write = async (current: string) => {
    const config = JSON.parse(kubeconfigText(url, ca, current));
    if (how === "a token from a plugin") {
      const apiVersion = "client.authentication.k8s.io/v1";
      await writeFile(credential, JSON.stringify({ apiVersion, kind: "ExecCredential", status: { token: current } }));
      config.users[0].user = { exec: { apiVersion, command: "cat", args: [credential], interactiveMode: "Never" } };
    }
    await writeFile(kubeconfig, JSON.stringify(config));
  };
  await write(token);
  const client = await connect({ kubeconfig, fieldManager: "kube-test" });
  expect(await anything(client)).not.toBeNull();
  await write("revoked");
  const stale = await connect({ kubeconfig, fieldManager: "kube-test" });
  expect((await failure(anything(stale))).kind).toBe("Unauthorized");
  await write(token);
  await waitFor("the new token", () => anything(stale));
  await Promise.all([client.close(), stale.close()]);
  await rm(dir, { recursive: true });
});

it("keeps to its rate: a burst at once, then so many a second", async () => {
  const { url, ca, token } = inject("cluster");
  const slow = await connect({
    kubeconfigText: kubeconfigText(url, ca, token),
    fieldManager: "kube-test",
    qps: 20,
    burst: 5,
  });
  await anything(slow);
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 14 }, () => anything(slow)));
  const took = performance.now() - startedAt;
  expect(took).toBeGreaterThan(400);
  const order: string[] = [];
  const queued = Promise.all(Array.from({ length: 10 }, () => anything(slow).then(() => order.push("queued"))));
  await anything(slow.unthrottled());
  order.push("urgent");
  await queued;
  expect(order.slice(-1)).toEqual(["queued"]);
  await slow.close();
});

it("names the contexts that there are when one is asked for that is not", async () => {
  const text = kubeconfigText("https://127.0.0.1:1", "x", "y");
  await expect(connect({ kubeconfigText: text, context: "prod", fieldManager: "t" })).rejects.toThrow(
    'context "prod" is not in the kubeconfig, which has: test',
  );
});
