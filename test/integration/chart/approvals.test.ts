import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { renderChart } from "../../../tools/generate/chart.ts";
import { ensureServers } from "../../../tools/servers.ts";
import { installCrds } from "../../harness/crds.ts";
import { serviceAccountAccess } from "../../harness/kubeconfig.ts";
import { ApiError, KubernetesApi } from "../../harness/kubernetes-api.ts";
import { makeNamespace } from "../../harness/namespace.ts";
import { waitFor } from "../../harness/wait.ts";
import { collection, valid } from "../api/objects.ts";

const cluster = inject("cluster");
const admin = new KubernetesApi(cluster);
let work = "";
let free = "";
let editor: KubernetesApi;

const admissions = "/apis/admissionregistration.k8s.io/v1";
const plurals: Readonly<Record<string, string>> = {
  ValidatingAdmissionPolicy: "validatingadmissionpolicies",
  ValidatingAdmissionPolicyBinding: "validatingadmissionpolicybindings",
};
const at = "2026-11-24T08:00:00Z";
const approvals = (...by: readonly string[]) => by.map((one) => ({ by: one, at }));

beforeAll(async () => {
  await installCrds(admin);
  [work, free] = await Promise.all([makeNamespace(admin, "approvals"), makeNamespace(admin, "approvals-free")]);
  const { helm } = await ensureServers();
  // In one namespace: other tests approve as they like.
  for (const document of parseAllDocuments(await renderChart(helm, work, `namespaces={${work}}`))) {
    const object = document.toJS();
    const plural = plurals[object?.kind];
    if (plural !== undefined) await admin.apply(`${admissions}/${plural}/${object.metadata.name}`, object);
  }
  for (const namespace of [work, free]) {
    await admin.create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "editor" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ kind: "ServiceAccount", name: "editor", namespace: work }],
    });
  }
  await admin.create(`/api/v1/namespaces/${work}/serviceaccounts`, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "editor" },
  });
  editor = new KubernetesApi(await serviceAccountAccess(cluster, work, "editor"));
  // The API server takes a policy up a moment after it is made.
  await waitFor("the policy to be in force", async () => (await make("forged", work, "ada")) !== "accepted");
});
afterAll(async () => {
  for (const plural of Object.values(plurals).toReversed()) {
    await admin.delete(`${admissions}/${plural}/evenkeel-approvals`);
  }
  await Promise.all([admin.close(), editor?.close()]);
});

async function answer(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return "accepted";
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return error.message;
    throw error;
  }
}

const me = () => `system:serviceaccount:${work}:editor`;
const path = (name: string) => `${collection(work, "ModelRollout")}/${name}`;

/** The editor makes a rollout with approvals by these. */
async function make(name: string, namespace: string, ...by: readonly string[]): Promise<string> {
  const { spec, ...rollout } = valid.ModelRollout;
  const object = { ...rollout, metadata: { name }, spec: { ...spec, approvals: approvals(...by) } };
  const dryRun = by.includes("ada") ? "?dryRun=All" : "";
  return await answer(editor.create(`${collection(namespace, "ModelRollout")}${dryRun}`, object));
}

describe("an approval", () => {
  it("is made under one's own name, with the rollout or later", async () => {
    expect(await make("rollback", work, me())).toBe("accepted");
    expect(await make("waiting", work)).toBe("accepted");
    const change = { spec: { approvals: approvals(me()) } };
    expect(await answer(editor.patch(path("waiting"), change))).toBe("accepted");
  });

  it("is not made under another's, beside one's own either", async () => {
    expect(await make("forged", work, "ada")).toContain(`spec.approvals: by must be ${me()}, who approves`);
    expect(await make("forged", work, me(), "ada")).toContain("by must be");
    await make("held", work);
    const change = { spec: { approvals: approvals("ada") } };
    expect(await answer(editor.patch(path("held"), change))).toContain("by must be");
  });

  it("of another's stays while something else is changed, as the operator does", async () => {
    await make("aborted", work, me());
    expect(await answer(admin.patch(path("aborted"), { spec: { abort: true } }))).toBe("accepted");
    const status = { status: { message: "rolled back" } };
    expect(await answer(admin.patch(`${path("aborted")}/status`, status))).toBe("accepted");
  });

  it("is nobody's matter in a namespace that the operator does not work in", async () => {
    expect(await make("forged", free, "ada")).toBe("accepted");
  });
});
