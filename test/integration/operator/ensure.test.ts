import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type ConfigMap,
  configMaps,
  type Kube,
  type KubeObject,
  namespaces,
  type Resource,
  type Service,
  type Stored,
  services,
} from "../../../src/kube/index.ts";
import { ensure } from "../../../src/operator/ensure.ts";
import { connectShared, freshNamespace } from "../kube/cluster.ts";

let kube: Kube;
let namespace: string;
let owner: Stored<ConfigMap>;

beforeAll(async () => {
  kube = await connectShared();
  namespace = await freshNamespace(kube, "ensure");
  owner = await kube.create(configMaps, { metadata: { name: "owner", namespace } });
});
afterAll(async () => {
  await kube.delete(namespaces, { name: namespace });
  await kube.close();
});

/** A cache that is up to date. */
async function cacheOf<T extends KubeObject>(resource: Resource<T>, name: string) {
  const object = await kube.get(resource, { namespace, name });
  return { resource, get: () => object, hasSeen: () => true };
}

async function wanted(spec: NonNullable<Service["spec"]>): Promise<Stored<Service>> {
  const turn = {
    kube,
    writes: { wrote: () => {} },
    key: { namespace, name: "owner" },
    signal: AbortSignal.timeout(9_000),
  };
  const cache = await cacheOf(services, "door");
  expect(await ensure(turn, cache, { metadata: { name: "door", namespace }, spec }, owner)).toBeNull();
  const stored = await kube.get(services, { namespace, name: "door" });
  if (!stored) throw new Error("the Service is not there");
  return stored;
}

const port = (number: number) => ({ name: "http", port: number, targetPort: 8080, protocol: "TCP" });

it("an object that changes keeps what others have set of it, and loses what is wanted no longer", async () => {
  const selector = { gateway: "shop" };
  const first = await wanted({
    selector: { ...selector, old: "yes" },
    ports: [port(80)],
    publishNotReadyAddresses: true,
  });
  expect(first.spec).toMatchObject({ type: "ClusterIP", publishNotReadyAddresses: true });

  const theirs = { spec: { type: "LoadBalancer", externalTrafficPolicy: "Local", selector: { zone: "a" } } };
  const patched = await kube.mergePatch(services, { namespace, name: "door" }, theirs, { fieldManager: "kubectl" });
  const same = await wanted({
    selector: { ...selector, old: "yes" },
    ports: [port(80)],
    publishNotReadyAddresses: true,
  });
  expect(same.metadata.resourceVersion).toBe(patched.metadata.resourceVersion);

  const second = await wanted({ selector, ports: [port(8080)] });
  expect(second.spec).toMatchObject({
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    selector: { gateway: "shop", zone: "a" },
    ports: [{ port: 8080 }],
    clusterIP: first.spec?.clusterIP,
  });
  expect(second.spec?.selector).not.toHaveProperty("old");
  expect(second.spec?.publishNotReadyAddresses ?? false).toBe(false);
});
