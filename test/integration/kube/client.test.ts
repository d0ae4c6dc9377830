import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  configMaps,
  deployments,
  type Kube,
  KubeError,
  namespaces,
  pods,
  secrets,
  services,
} from "../../../src/kube/index.ts";
import { connectShared, freshNamespace } from "./cluster.ts";

let kube: Kube;
let namespace: string;

beforeAll(async () => {
  kube = await connectShared();
  namespace = await freshNamespace(kube, "client");
});
afterAll(async () => {
  await kube.delete(namespaces, { name: namespace });
  await kube.close();
});

async function failure(call: Promise<unknown>): Promise<KubeError> {
  const error = await call.then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof KubeError)) throw error;
  return error;
}

const web = (image: string) => ({
  metadata: { name: "web", namespace },
  spec: {
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image }] } },
  },
});

describe("objects", () => {
  it("creates, gets, replaces and deletes", async () => {
    const created = await kube.create(configMaps, { metadata: { name: "life", namespace }, data: { a: "1" } });
    expect(created).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", data: { a: "1" } });
    const replaced = await kube.replace(configMaps, { ...created, data: { a: "2" } });
    expect(await kube.get(configMaps, { namespace, name: "life" })).toEqual(replaced);
    expect(await kube.delete(configMaps, { namespace, name: "life" })).toBe(true);
    expect(await kube.get(configMaps, { namespace, name: "life" })).toBeNull();
    expect(await kube.delete(configMaps, { namespace, name: "life" })).toBe(false);
  });

  it("lists over several pages, with selectors, and fills in the type of items", async () => {
    const labels = { list: "yes" };
    for (let n = 0; n < 7; n += 1)
      await kube.create(configMaps, { metadata: { name: `list-${n}`, namespace, labels } });
    const { items, resourceVersion } = await kube.list(configMaps, {
      namespace,
      labelSelector: "list=yes",
      pageSize: 2,
    });
    expect(items.map(({ metadata }) => metadata.name)).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => `list-${n}`));
    expect(items[0]).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
    expect(Number(resourceVersion)).toBeGreaterThan(0);
    const one = await kube.list(configMaps, { namespace, fieldSelector: "metadata.name=list-3" });
    expect(one.items).toHaveLength(1);
  });

  it("checks without storing on a dry run", async () => {
    await kube.create(configMaps, { metadata: { name: "dry", namespace } }, { dryRun: true });
    await kube.apply(configMaps, { metadata: { name: "dry", namespace }, data: { a: "1" } }, { dryRun: true });
    expect(await kube.get(configMaps, { namespace, name: "dry" })).toBeNull();
  });

  it("merge-patches an object and replaces its status", async () => {
    const key = { namespace, name: "shop" };
    await kube.create(services, { metadata: key, spec: { ports: [{ port: 80 }] } });
    const patched = await kube.mergePatch(services, key, { metadata: { labels: { x: "1" } } });
    const { resourceVersion } = patched.metadata;
    const condition = {
      type: "Fine",
      status: "True",
      reason: "Test",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    const status = { status: { conditions: [condition] } };
    const after = await kube.replaceStatus(services, { ...patched, ...status });
    expect(after).toMatchObject({ metadata: { labels: { x: "1" } }, ...status });
    expect((await failure(kube.replaceStatus(services, patched))).kind).toBe("Conflict");
    const stale = { metadata: { labels: { x: "2" } } };
    expect((await failure(kube.mergePatch(services, key, stale, { resourceVersion }))).kind).toBe("Conflict");
  });
});

describe("errors", () => {
  it("AlreadyExists when the name is taken", async () => {
    await kube.create(configMaps, { metadata: { name: "taken", namespace } });
    const error = await failure(kube.create(configMaps, { metadata: { name: "taken", namespace } }));
    expect(error).toMatchObject({ kind: "AlreadyExists", retryable: false, status: 409 });
    expect(error.message).toContain(`create ConfigMap ${namespace}/taken`);
  });

  it("Conflict for a stale replace, apply (even with force) and delete", async () => {
    const old = await kube.create(configMaps, { metadata: { name: "stale", namespace }, data: { a: "1" } });
    await kube.mergePatch(configMaps, { namespace, name: "stale" }, { data: { a: "2" } });
    const { resourceVersion } = old.metadata;
    const stale = { kind: "Conflict", retryable: true };
    expect(await failure(kube.replace(configMaps, old))).toMatchObject(stale);
    const intent = { metadata: { name: "stale", namespace }, data: { a: "3" } };
    expect(await failure(kube.apply(configMaps, intent, { resourceVersion, force: true }))).toMatchObject(stale);
    const key = { namespace, name: "stale" };
    expect(await failure(kube.delete(configMaps, key, { resourceVersion }))).toMatchObject(stale);
    expect(await failure(kube.delete(configMaps, key, { uid: "00000000-0000-0000-0000-000000000000" }))).toMatchObject(
      stale,
    );
    expect(await kube.delete(configMaps, key, { uid: old.metadata.uid })).toBe(true);
  });

  it("FieldConflict names the other manager and the field", async () => {
    await kube.apply(deployments, web("a:1"), { fieldManager: "helm" });
    const error = await failure(kube.apply(deployments, web("a:2")));
    expect(error).toMatchObject({ kind: "FieldConflict", fieldManagers: ["helm"], retryable: false });
    expect(error.causes[0]?.field).toBe('.spec.template.spec.containers[name="web"].image');
    const forced = await kube.apply(deployments, web("a:2"), { force: true });
    expect(forced.spec?.template.spec?.containers[0]?.image).toBe("a:2");
    await kube.delete(deployments, { namespace, name: "web" });
  });

  it("FieldConflict even with oneself: what was created by POST is not owned by apply", async () => {
    const key = { namespace, name: "posted" };
    await kube.create(configMaps, { metadata: key, data: { a: "1" } });
    const error = await failure(kube.apply(configMaps, { metadata: key, data: { a: "2" } }));
    expect(error).toMatchObject({ kind: "FieldConflict", fieldManagers: ["kube-test"] });
    await kube.apply(configMaps, { metadata: { ...key, name: "applied" }, data: { a: "1" } });
    const again = await kube.apply(configMaps, { metadata: { ...key, name: "applied" }, data: { a: "2" } });
    expect(again.data).toEqual({ a: "2" });
  });

  it("Invalid names the field", async () => {
    const error = await failure(kube.create(secrets, { metadata: { name: "Not_A_Name", namespace } }));
    expect(error).toMatchObject({ kind: "Invalid", causes: [{ field: "metadata.name", reason: "FieldValueInvalid" }] });
  });

  it("BadRequest for a field that the kind does not have", async () => {
    const unknown = { metadata: { name: "typo", namespace }, dada: {} };
    expect((await failure(kube.create(configMaps, unknown))).kind).toBe("BadRequest");
  });

  it("Timeout when the call's own time is up, Aborted when the caller gives up", async () => {
    expect((await failure(kube.list(pods, { timeoutMs: 0 }))).kind).toBe("Timeout");
    expect((await failure(kube.list(pods, { signal: AbortSignal.abort() }))).kind).toBe("Aborted");
  });

  it("NamespaceTerminating when nothing can be created any more", async () => {
    const doomed = await freshNamespace(kube, "doomed");
    const holder = { name: "holder", namespace: doomed, finalizers: ["example.com/hold"] };
    await kube.create(configMaps, { metadata: holder });
    await kube.delete(namespaces, { name: doomed });
    const error = await failure(kube.create(configMaps, { metadata: { name: "late", namespace: doomed } }));
    expect(error).toMatchObject({ kind: "NamespaceTerminating", retryable: false });
    await kube.mergePatch(configMaps, { namespace: doomed, name: "holder" }, { metadata: { finalizers: null } });
  });
});
