import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { reportBytes } from "../../../src/api/index.ts";
import { publishReport } from "../../../src/cli/publish-report.ts";
import type { ConfigMap } from "../../../src/kube/index.ts";
import { gatewayRole, gatewayRoleBinding } from "../../../src/operator/embedding-service/gateway-objects.ts";
import {
  evaluationRole,
  evaluationRoleBinding,
  evaluationServiceAccount,
  reportConfigMap,
} from "../../../src/operator/retraining/report-objects.ts";
import { openStore } from "../../../src/registry/index.ts";
import { installCrds } from "../../harness/crds.ts";
import { serviceAccountAccess } from "../../harness/kubeconfig.ts";
import { type Access, KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { installOperatorRights, operatorAccount } from "../../harness/operator-rights.ts";
import { temporaryFolder } from "../../harness/temporary-folder.ts";
import { kubeconfigText } from "../kube/cluster.ts";

const cluster = inject("cluster");
const admin = new KubernetesApi(cluster);
const clients: KubernetesApi[] = [admin];
let system = "";
let work = "";
let other = "";
let operator: KubernetesApi;
let gateway: KubernetesApi;
let evaluation: KubernetesApi;

beforeAll(async () => {
  await installCrds(admin);
  [system, work, other] = await Promise.all([
    makeNamespace(admin, "rbac-system"),
    makeNamespace(admin, "rbac-work"),
    makeNamespace(admin, "rbac-other"),
  ]);
  // On Roles alone, so that what it may do in `work` it may not do in `other`.
  await installOperatorRights(admin, system, work);
  operator = await as(system, operatorAccount);
  await admin.create(`/api/v1/namespaces/${work}/serviceaccounts`, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "shop-gateway" },
  });
  for (const name of ["shop-gateway", "shop-gateway-state", "shop-gateway-reports", "evenkeel-audit-1-0"]) {
    await admin.create(configMaps(work), { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
  }
  // As the operator itself makes them, with no more rights than the chart gives it.
  const shop = { metadata: { name: "shop", namespace: work } };
  await operator.create(role(work), { apiVersion, kind: "Role", ...gatewayRole(shop) });
  await operator.create(binding(work), { apiVersion, kind: "RoleBinding", ...gatewayRoleBinding(shop) });
  gateway = await as(work, "shop-gateway");
  const run = { metadata: { name: "shop-1", namespace: work }, spec: { serviceRef: { name: "shop" } } };
  const serviceAccount = { apiVersion: "v1", kind: "ServiceAccount", ...evaluationServiceAccount(run) };
  await operator.create(`/api/v1/namespaces/${work}/serviceaccounts`, serviceAccount);
  await operator.create(configMaps(work), { apiVersion: "v1", kind: "ConfigMap", ...reportConfigMap(run) });
  await operator.create(role(work), { apiVersion, kind: "Role", ...evaluationRole(run) });
  await operator.create(binding(work), { apiVersion, kind: "RoleBinding", ...evaluationRoleBinding(run) });
  evaluation = await as(work, "shop-1-evaluate");
});
afterAll(() => Promise.all(clients.map((client) => client.close())));

async function as(namespace: string, account: string): Promise<KubernetesApi> {
  const access: Access = await serviceAccountAccess(cluster, namespace, account);
  const client = new KubernetesApi(access);
  clients.push(client);
  return client;
}

const apiVersion = "rbac.authorization.k8s.io/v1";
const binding = (namespace: string) => `/apis/${apiVersion}/namespaces/${namespace}/rolebindings`;
const role = (namespace: string) => `/apis/${apiVersion}/namespaces/${namespace}/roles`;
const configMaps = (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`;

function roleBinding(account: string, clusterRole: string) {
  return {
    apiVersion,
    kind: "RoleBinding",
    metadata: { name: `${account}-${clusterRole}` },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: clusterRole },
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
    ["delete", "evenkeel.dev", "modelversions"],
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
    ["act as another", { verb: "impersonate", resource: "users" }],
    ["escalate", { verb: "escalate", group: "rbac.authorization.k8s.io", resource: "roles" }],
    ["bind what it does not hold", { verb: "bind", group: "rbac.authorization.k8s.io", resource: "roles" }],
    ["make ClusterRoles", { verb: "create", group: "rbac.authorization.k8s.io", resource: "clusterroles" }],
  ])("may not %s", async (_what, attributes) => {
    expect(await may(operator, { ...attributes, namespace: work })).toBe(false);
  });

  it.each(["cluster-admin", "admin", "edit", "view"])("may not bind %s", async (clusterRole) => {
    await expect(operator.create(binding(work), roleBinding("gateway", clusterRole))).rejects.toMatchObject({
      status: 403,
    });
  });

  it.each([
    ["list", "secrets"],
    ["create", "pods/exec"],
    ["delete", "configmaps"],
  ])("may not make a Role to %s %s, which it may not itself", async (verb, resource) => {
    const rules = [{ apiGroups: [""], resources: [resource], verbs: [verb] }];
    const wide = { apiVersion, kind: "Role", metadata: { name: "wide" }, rules };
    await expect(operator.create(role(work), wide)).rejects.toMatchObject({ status: 403 });
  });

  it("may not delete or patch a lease of gateways, nor let others, nor update one where it does not work", async () => {
    const lease = { group: "coordination.k8s.io", resource: "leases" };
    for (const verb of ["delete", "patch"]) {
      expect(await may(operator, { ...lease, verb, name: "shop-gateway", namespace: work })).toBe(false);
      const rules = [
        { apiGroups: [lease.group], resources: ["leases"], resourceNames: ["shop-gateway"], verbs: [verb] },
      ];
      const wide = { apiVersion, kind: "Role", metadata: { name: "wide" }, rules };
      await expect(operator.create(role(work), wide)).rejects.toMatchObject({ status: 403 });
    }
    expect(await may(operator, { ...lease, verb: "update", name: "shop-gateway", namespace: other })).toBe(false);
  });

  it("may hold its own lease and no other of its namespace", async () => {
    const lease = { group: "coordination.k8s.io", resource: "leases", namespace: system };
    expect(await may(operator, { ...lease, verb: "update", name: "evenkeel-operator" })).toBe(true);
    expect(await may(operator, { ...lease, verb: "update", name: "someone-else" })).toBe(false);
    expect(await may(operator, { ...lease, verb: "patch", name: "evenkeel-operator" })).toBe(false);
  });
});

describe("a gateway", () => {
  const lease = { group: "coordination.k8s.io", resource: "leases" };
  it.each<[string, Attributes]>([
    ["watch pods", { verb: "watch", resource: "pods" }],
    ["watch its routing", { verb: "watch", resource: "configmaps", name: "shop-gateway" }],
    ["read the report that it goes on from", { verb: "get", resource: "configmaps", name: "shop-gateway-reports" }],
    ["report", { verb: "patch", resource: "configmaps", name: "shop-gateway-reports" }],
    ["keep its state", { verb: "update", resource: "configmaps", name: "shop-gateway-state" }],
    ["hold its lease", { ...lease, verb: "update", name: "shop-gateway" }],
  ])("may %s", async (_what, attributes) => {
    expect(await may(gateway, { ...attributes, namespace: work })).toBe(true);
  });

  it("lists its routing by name, and no other ConfigMap", async () => {
    const named = `${configMaps(work)}?fieldSelector=metadata.name%3Dshop-gateway`;
    expect(await gateway.get<{ items: object[] }>(named)).toMatchObject({ items: [{}] });
    await expect(gateway.get(configMaps(work))).rejects.toMatchObject({ status: 403 });
  });

  it.each<[string, Attributes]>([
    ["read secrets", { verb: "get", resource: "secrets" }],
    ["make ConfigMaps", { verb: "create", resource: "configmaps" }],
    ["rewrite its routing", { verb: "patch", resource: "configmaps", name: "shop-gateway" }],
    ["rewrite the audit trail", { verb: "update", resource: "configmaps", name: "evenkeel-audit-1-0" }],
    ["change another service's state", { verb: "update", resource: "configmaps", name: "fraud-gateway-state" }],
    ["make leases", { ...lease, verb: "create" }],
    ["take another's lease", { ...lease, verb: "update", name: "fraud-gateway" }],
    ["see other namespaces", { verb: "watch", resource: "pods", namespace: "other" }],
    ["read the services' specs", { verb: "get", group: "evenkeel.dev", resource: "embeddingservices" }],
    ["change deployments", { verb: "patch", group: "apps", resource: "deployments" }],
  ])("may not %s", async (_what, attributes) => {
    expect(await may(gateway, { ...attributes, namespace: attributes.namespace === "other" ? other : work })).toBe(
      false,
    );
  });
});

describe("an evaluation", () => {
  it.each<[string, Attributes]>([
    ["read its report", { verb: "get", resource: "configmaps", name: "shop-1-report" }],
    ["make ConfigMaps", { verb: "create", resource: "configmaps" }],
    ["delete its report", { verb: "delete", resource: "configmaps", name: "shop-1-report" }],
    ["fill another run's report", { verb: "patch", resource: "configmaps", name: "shop-2-report" }],
    ["rewrite the audit trail", { verb: "patch", resource: "configmaps", name: "evenkeel-audit-1-0" }],
    ["read secrets", { verb: "get", resource: "secrets" }],
    ["see pods", { verb: "list", resource: "pods" }],
    ["pass its own gates", { verb: "update", group: "evenkeel.dev", resource: "retrainings", subresource: "status" }],
  ])("may not %s", async (_what, attributes) => {
    expect(await may(evaluation, { ...attributes, namespace: work })).toBe(false);
  });

  describe("fills the run's report", () => {
    const place = () => ({ namespace: work, name: "shop-1-report" });
    let folder: string;
    beforeAll(async () => {
      folder = await temporaryFolder("reports");
      const { token } = await serviceAccountAccess(cluster, work, "shop-1-evaluate");
      const kubeconfig = join(folder, "kubeconfig");
      await writeFile(kubeconfig, kubeconfigText(cluster.url, cluster.ca, token));
      vi.stubEnv("KUBECONFIG", kubeconfig);
    });
    afterAll(() => vi.unstubAllEnvs());
    const publish = async (report: object, where = place()): Promise<string> => {
      const store = openStore(join(folder, "store"));
      const files = { "report.json": Buffer.from(JSON.stringify(report, null, 2)), "report.html": Buffer.from("<p>") };
      return publishReport(store, await store.putFiles("reports/shop", files), where);
    };
    const published = async () => (await admin.get<ConfigMap>(`${configMaps(work)}/shop-1-report`)).data;

    it("without its pictures", async () => {
      expect(await publish({ schema: "x" })).toBe(`the report is in ConfigMap ${work}/shop-1-report too`);
      expect(await published()).toEqual({ "report.json": '{"schema":"x"}' });
    });

    it("but not with one that is too large, nor another's; neither is a failure", async () => {
      await publish({ schema: "y" });
      expect(await publish({ schema: "z".repeat(reportBytes) })).toMatch(/in the store only: \d+ bytes are too many/);
      expect(await publish({ schema: "z" }, { ...place(), name: "shop-2-report" })).toMatch(
        /in the store only, not in ConfigMap .*shop-2-report: .*forbidden/,
      );
      expect(await published()).toEqual({ "report.json": '{"schema":"y"}' });
    });
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
