import { type Retraining, reportName } from "../../api/index.ts";
import { labels } from "../labels.ts";

/** What the names of a run's objects follow from. */
type Named = {
  readonly metadata: Pick<Retraining["metadata"], "name" | "namespace">;
  readonly spec: Pick<Retraining["spec"], "serviceRef">;
};

function metadata({ metadata: { name, namespace }, spec: { serviceRef } }: Named, object = evaluationName(name)) {
  const own = { [labels.service]: serviceRef.name, [labels.run]: name };
  return { name: object, namespace, labels: { ...own, [labels.managedBy]: "evenkeel" } };
}

/** Of the account that a run's evaluation has, of its Role and of its binding. */
export function evaluationName(run: string): string {
  return `${run}-evaluate`;
}

/** The report for people who have no store at hand: made empty, so that the evaluation need not make ConfigMaps. */
export function reportConfigMap(run: Named) {
  const { labels: own, ...rest } = metadata(run, reportName(run.metadata.name));
  return { metadata: { ...rest, labels: { ...own, [labels.report]: run.metadata.name } } };
}

export function evaluationServiceAccount(run: Named) {
  return { metadata: metadata(run), automountServiceAccountToken: false };
}

/** An evaluation loads models that were trained on whatever came: it may fill its own report, and nothing else (decision 29). */
export function evaluationRole(run: Named) {
  const resourceNames = [reportName(run.metadata.name)];
  return {
    metadata: metadata(run),
    rules: [{ apiGroups: [""], resources: ["configmaps"], resourceNames, verbs: ["patch"] }],
  };
}

export function evaluationRoleBinding(run: Named) {
  const { name, namespace } = metadata(run);
  return {
    metadata: metadata(run),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  };
}
