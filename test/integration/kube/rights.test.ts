import { afterAll, beforeAll, expect, inject, it } from "vitest";
import {
  configMaps,
  connect,
  Informer,
  type Kube,
  KubeError,
  namespaces,
  roleBindings,
  roles,
  serviceAccounts,
} from "../../../src/kube/index.ts";
import { serviceAccountAccess } from "../../harness/kubeconfig.ts";
import { waitFor } from "../../harness/wait.ts";
import { connectShared, freshNamespace, kubeconfigText } from "./cluster.ts";

let admin: Kube;
let reader: Kube;
let namespace: string;

/** A client whose Role names the one ConfigMap that it may see. */
beforeAll(async () => {
  admin = await connectShared();
  namespace = await freshNamespace(admin, "rights");
  const metadata = { name: "reader", namespace };
  await admin.create(serviceAccounts, { metadata });
  await admin.create(roles, {
    metadata,
    rules: [
      { apiGroups: [""], resources: ["configmaps"], resourceNames: ["weights"], verbs: ["get", "list", "watch"] },
    ],
  });
  await admin.create(roleBindings, {
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
    subjects: [{ kind: "ServiceAccount", name: "reader", namespace }],
  });
  const { url, ca, token } = await serviceAccountAccess(inject("cluster"), namespace, "reader");
  reader = await connect({ kubeconfigText: kubeconfigText(url, ca, token), fieldManager: "reader" });
  const rights = () => reader.get(configMaps, { namespace, name: "weights" }).then(() => true);
  await waitFor("the rights to be known", rights);
});
afterAll(async () => {
  await admin.delete(namespaces, { name: namespace });
  await Promise.all([admin.close(), reader.close()]);
});

it("an informer of one object by name needs rights to that object alone", async () => {
  const stop = new AbortController();
  const informer = new Informer({
    kube: reader,
    resource: configMaps,
    namespaces: [namespace],
    fieldSelector: "metadata.name=weights",
  });
  const running = informer.run(stop.signal);
  await informer.whenSynced();
  expect(informer.size).toBe(0);
  const made = await admin.create(configMaps, { metadata: { name: "weights", namespace }, data: { stable: "100" } });
  await informer.whenSeen({ namespace, name: "weights" }, made.metadata.resourceVersion);
  expect(informer.get({ namespace, name: "weights" })?.data).toEqual({ stable: "100" });
  stop.abort();
  await running;
});

it("without the selector it is told what it may not do", async () => {
  const faults: KubeError[] = [];
  const stop = new AbortController();
  const informer = new Informer({
    kube: reader,
    resource: configMaps,
    namespaces: [namespace],
    onFault: (error) => faults.push(error),
  });
  const running = informer.run(stop.signal);
  await waitFor("a fault", () => faults.length > 0);
  stop.abort();
  await running;
  expect(faults[0]).toMatchObject({ kind: "Forbidden", retryable: false });
  expect(faults[0]?.message).toContain('cannot list resource "configmaps"');
  expect(informer.synced()).toBe(false);
});

it("a write without rights is Forbidden, before anything else", async () => {
  const writing = reader.create(configMaps, { metadata: { name: "other", namespace } });
  await expect(writing).rejects.toMatchObject({ kind: "Forbidden" });
});
