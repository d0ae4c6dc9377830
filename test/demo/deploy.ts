import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { embeddingService, names, threatModel, workload } from "./manifests.ts";
import type { Prepared } from "./prepare.ts";
import { applyAll, type Kubectl, kubectl } from "./stage/kubectl.ts";
import type { Stage } from "./stage/stage.ts";

const user = "demo-user";

const kubeconfigView = z.object({ clusters: z.tuple([z.object({ cluster: z.looseObject({}) })]) });

/** Makes the namespace and its user: the role `edit` in it, which evenkeel's own role is added to. */
export async function makeUser(stage: Stage, dir: string): Promise<Kubectl> {
  const { namespace } = names;
  await applyAll(stage.admin, [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: user, namespace } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: user, namespace },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
      subjects: [{ kind: "ServiceAccount", name: user, namespace }],
    },
  ]);
  const token = (await stage.admin(["create", "token", user, `--namespace=${namespace}`, "--duration=2h"]))
    .toString()
    .trim();
  const view = await stage.admin(["config", "view", "--raw", "--minify", "--flatten", "--output=json"]);
  const [{ cluster }] = kubeconfigView.parse(JSON.parse(view.toString("utf8"))).clusters;
  const path = join(dir, "user.kubeconfig");
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "cluster", cluster }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: user, context: { cluster: "cluster", user, namespace } }],
    "current-context": user,
  };
  await writeFile(path, JSON.stringify(kubeconfig), { mode: 0o600 });
  return kubectl(stage.admin.binary, path);
}

/** Applies what a user of evenkeel writes: a claim, a workload like any other, and two objects beside it. */
export async function deployService(stage: Stage, as: Kubectl, prepared: Prepared): Promise<void> {
  await applyAll(as, [
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: names.claim, namespace: names.namespace },
      spec: { accessModes: ["ReadWriteMany"], resources: { requests: { storage: "10Gi" } }, ...stage.claim },
    },
  ]);
  await stage.fillStore(prepared.folder);
  const pace = { block: "2s", trainSteps: prepared.trainSteps, mirror: "7s", hold: "7s" };
  await applyAll(as, [
    workload(stage.trainerImage),
    threatModel(),
    embeddingService({ ...prepared, prometheus: stage.prometheus.url }, pace),
  ]);
}
