import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { renderChart } from "../../../tools/generate/chart.ts";
import { ensureServers } from "../../../tools/servers.ts";
import { installCrds } from "../../harness/crds.ts";
import { serviceAccountAccess } from "../../harness/kubeconfig.ts";
import { type Access, KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";

const cluster = inject("cluster");
const admin = new KubernetesApi(cluster);
const clients: KubernetesApi[] = [admin];
let system = "";
let work = "";
let other = "";
let operator: KubernetesApi;
let gateway: KubernetesApi;

const collections: Readonly<Record<string, string>> = {
  ServiceAccount: "/api/v1/namespaces/NS/serviceaccounts",
  Role: "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles",
  RoleBinding: "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings",
  ClusterRole: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
};

beforeAll(async () => {
  await installCrds(admin);
  const { helm } = await ensureServers();
  [system, work, other] = (await Promise.all(
    ["rbac-system", "rbac-work", "rbac-other"].map((name) => makeNamespace(admin, name)),
  )) as [string, string, string];
  // On Roles alone, so that what it may do in `work` it may not do in `other`.
  const objects = parseAllDocuments(await renderChart(helm, system, `namespaces={${work}}`, "crds.enabled=false"))
    .map((document) => document.toJS())
    .filter((object) => object?.kind in collections);
  for (const { metadata, kind, ...rest } of objects) {
    const path = collections[kind]?.replace("NS", metadata.namespace);
    await admin.apply(`${path}/${metadata.name}`, { kind, metadata, ...rest });
  }
  operator = await as(system, "evenkeel");
  await admin.create(`/api/v1/namespaces/${work}/serviceaccounts`, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "gateway" },
  });
  await operator.create(binding(work), roleBinding("gateway", "evenkeel-gateway"));
  gateway = await as(work, "gateway");
});
afterAll(() => Promise.all(clients.map((client) => client.close())));

async function as(namespace: string, account: string): Promise<KubernetesApi> {
  const access: Access = await serviceAccountAccess(cluster, namespace, account);
  const client = new KubernetesApi(access);
  clients.push(client);
  return client;
}

const binding = (namespace: string) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;

function roleBinding(account: string, role: string) {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: `${account}-${role}` },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ kind: "ServiceAccount", name: account, namespace: work }],
  };
}

interface Attributes {
  verb: string;
  group?: string;
  resource: string;
  subresource?: string;
  name?: string;
  namespace?: string;
}

async function may(client: KubernetesApi, attributes: Attributes): Promise<boolean> {
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: attributes },
  };
  const { status } = await client.create<{ status: { allowed: boolean } }>(
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    review,
  );
  return status.allowed;
}

describe("the operator", () => {
  it.each([
    ["patch", "apps", "deployments"],
    ["create", "batch", "jobs"],
    ["watch", "", "pods"],
    ["get", "", "secrets"],
    ["create", "evenkeel.dev", "retrainings"],
    ["create", "events.k8s.io", "events"],
  ])("may %s %s %s in its namespace, and not in another", async (verb, group, resource) => {
    expect(await may(operator, { verb, group, resource, namespace: work })).toBe(true);
    expect(await may(operator, { verb, group, resource, namespace: other })).toBe(false);
  });

  it.each<[string, Attributes]>([
    ["list secrets", { verb: "list", resource: "secrets" }],
    ["run a command in a pod", { verb: "create", resource: "pods", subresource: "exec" }],
    ["make pods", { verb: "create", resource: "pods" }],
    ["change a threat model's user", { verb: "delete", group: "evenkeel.dev", resource: "threatmodels" }],
    ["make roles", { verb: "create", group: "rbac.authorization.k8s.io", resource: "roles" }],
    ["act as another", { verb: "impersonate", resource: "users" }],
    ["escalate", { verb: "escalate", group: "rbac.authorization.k8s.io", resource: "clusterroles" }],
  ])("may not %s", async (_what, attributes) => {
    expect(await may(operator, { ...attributes, namespace: work })).toBe(false);
  });

  it.each(["cluster-admin", "admin", "edit", "view"])("may not bind %s", async (role) => {
    await expect(operator.create(binding(work), roleBinding("gateway", role))).rejects.toMatchObject({ status: 403 });
  });

  it("may hold its own lease and no other of its namespace", async () => {
    const lease = { group: "coordination.k8s.io", resource: "leases", namespace: system };
    expect(await may(operator, { ...lease, verb: "update", name: "evenkeel-operator" })).toBe(true);
    expect(await may(operator, { ...lease, verb: "update", name: "someone-else" })).toBe(false);
  });
});

describe("a gateway", () => {
  it("may watch pods and keep its ConfigMaps and lease", async () => {
    expect(await may(gateway, { verb: "watch", resource: "pods", namespace: work })).toBe(true);
    expect(await may(gateway, { verb: "patch", resource: "configmaps", namespace: work })).toBe(true);
    expect(
      await may(gateway, { verb: "update", group: "coordination.k8s.io", resource: "leases", namespace: work }),
    ).toBe(true);
  });

  it.each<[string, Attributes]>([
    ["read secrets", { verb: "get", resource: "secrets" }],
    ["make ConfigMaps", { verb: "create", resource: "configmaps" }],
    ["see other namespaces", { verb: "watch", resource: "pods", namespace: "other" }],
    ["read the services' specs", { verb: "get", group: "evenkeel.dev", resource: "embeddingservices" }],
    ["change deployments", { verb: "patch", group: "apps", resource: "deployments" }],
  ])("may not %s", async (_what, attributes) => {
    expect(await may(gateway, { ...attributes, namespace: attributes.namespace === "other" ? other : work })).toBe(
      false,
    );
  });
});

describe("people", () => {
  it("who edit may make services, who view may only look", async () => {
    const can = async (role: string, verb: string, resource: string) => {
      const { rules } = await admin.get<{ rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[] }>(
        `/apis/rbac.authorization.k8s.io/v1/clusterroles/${role}`,
      );
      return rules.some(
        (rule) =>
          rule.apiGroups.includes("evenkeel.dev") && rule.resources.includes(resource) && rule.verbs.includes(verb),
      );
    };
    // The controller manager fills in aggregated roles a moment later.
    await expect.poll(() => can("view", "list", "embeddingservices"), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => can("edit", "create", "embeddingservices"), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => can("admin", "delete", "modelversions"), { timeout: 20_000 }).toBe(true);
    expect(await can("view", "create", "embeddingservices")).toBe(false);
    expect(await can("edit", "delete", "modelversions")).toBe(false);
  });
});
