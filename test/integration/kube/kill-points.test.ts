import { afterAll, beforeAll, expect, it } from "vitest";
import { configMaps, events, isKubeError, type Kube, leases, namespaces, services } from "../../../src/kube/index.ts";
import type { FaultyProxy } from "../../harness/faulty-proxy.ts";
import { killAt, recordKillPoints } from "../../harness/kill-points.ts";
import { connectShared, freshNamespace, startProxy } from "./cluster.ts";

let direct: Kube;
let kube: Kube;
let proxy: FaultyProxy;
let namespace: string;

beforeAll(async () => {
  direct = await connectShared();
  namespace = await freshNamespace(direct, "kill");
  proxy = await startProxy();
  kube = await connectShared(proxy);
});
afterAll(async () => {
  await direct.delete(namespaces, { name: namespace });
  await Promise.all([kube.close(), direct.close()]);
  await proxy.stop();
});

const map = (name: string) => ({ metadata: { name, namespace } });

it("records each write that succeeded once, in order, and no leases, events or dry runs", async () => {
  const recorded = recordKillPoints(proxy, { name: (name) => name.replace(/-\d+$/, "-N") });
  await kube.create(configMaps, map("a-1"));
  await kube.create(configMaps, map("a-1")).catch(() => {});
  await kube.create(configMaps, map("a-2"));
  await kube.create(configMaps, map("dry"), { dryRun: true });
  await kube.create(leases, map("lease"));
  await kube.create(events, {
    ...map("event"),
    involvedObject: { kind: "ConfigMap", namespace, name: "a-1" },
    reason: "Test",
  });
  await kube.apply(configMaps, { ...map("a-1"), data: { x: "1" } });
  const service = await kube.create(services, { ...map("s"), spec: { ports: [{ port: 80 }] } });
  await kube.replaceStatus(services, { ...service, status: { loadBalancer: {} } });
  await kube.delete(configMaps, { namespace, name: "a-2" });
  expect(recorded.points).toEqual([
    "create configmaps a-N",
    "apply configmaps a-N",
    "create services s",
    "replace services/status s",
    "delete configmaps a-N",
  ]);
});

it.each([
  ["Before", null],
  ["After", "there"],
] as const)("kills %s a write, once, and the writer never learns", async (side, expected) => {
  const name = `victim-${side.toLowerCase()}`;
  let killed = 0;
  const struck = killAt(proxy, `create configmaps ${name}`, side, async () => {
    killed += 1;
  });
  await kube.create(configMaps, map(`other-${side.toLowerCase()}`));
  const error = await kube.create(configMaps, map(name)).catch((reason: unknown) => reason);
  await struck;
  expect(isKubeError(error, "Unavailable")).toBe(true);
  expect((await direct.get(configMaps, { namespace, name })) && "there").toBe(expected);
  await kube.apply(configMaps, { ...map(name), data: { x: "1" } });
  expect(killed).toBe(1);
});
