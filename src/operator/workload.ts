import type { EmbeddingServiceSpec } from "../api/index.ts";
import { ownersText } from "./free-field.ts";
import type { LabelSelector } from "./label-selector.ts";
import type { Deployment, Stored } from "./objects.ts";

/** What the operator knows of a Deployment that serves a model. */
export type Workload = {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly field: ModelField;
  /** Whether the container with the field is an init container. */
  readonly inInitContainer: boolean;
  readonly replicas: number;
  readonly readyReplicas: number;
  /** Ready pods of the template as it is now: what serves the field's value. A lower bound while pods are being replaced. */
  readonly readyOfTemplate: number;
  readonly rolling: "Complete" | "UnderWay";
  readonly selector: LabelSelector;
  readonly deployment: Stored<Deployment>;
};

/** The one field of the workload that evenkeel owns (decision 24). */
export type ModelField =
  | { readonly kind: "Value"; readonly uri: string }
  /** Named without a value, or not named. */
  | { readonly kind: "Empty" }
  /** `valueFrom`: it cannot be given a value. */
  | { readonly kind: "Indirect" }
  | { readonly kind: "NoContainer" };

export function workloadOf(deployment: Stored<Deployment>, model: EmbeddingServiceSpec["model"]): Workload {
  const { spec, status = {}, metadata } = deployment;
  const pod = spec?.template.spec;
  const main = pod?.containers.find(({ name }) => name === model.container);
  const initial = pod?.initContainers?.find(({ name }) => name === model.container);
  const replicas = spec?.replicas ?? 1;
  const complete =
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas;
  return {
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    field: fieldOf(main ?? initial, model.env),
    inInitContainer: main === undefined && initial !== undefined,
    replicas,
    readyReplicas: status.readyReplicas ?? 0,
    readyOfTemplate: readyOfTemplate(deployment),
    rolling: complete ? "Complete" : "UnderWay",
    selector: spec?.selector ?? {},
    deployment,
  };
}

/** The status does not tell which pods are the ready ones: those of older templates are taken for ready, all of them. */
function readyOfTemplate({ metadata, status = {} }: Stored<Deployment>): number {
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return 0;
  const older = (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return Math.max(0, (status.readyReplicas ?? 0) - older);
}

type Container = { readonly env?: readonly { name: string; value?: string; valueFrom?: unknown }[] };

function fieldOf(container: Container | undefined, variable: string): ModelField {
  if (!container) return { kind: "NoContainer" };
  const entry = container.env?.find(({ name }) => name === variable);
  if (entry?.valueFrom !== undefined) return { kind: "Indirect" };
  return entry?.value ? { kind: "Value", uri: entry.value } : { kind: "Empty" };
}

/** The workload's URI, or null while it has none. */
export function servedUri({ field }: Workload): string | null {
  return field.kind === "Value" ? field.uri : null;
}

/** Somebody else has a say in the field: their wish stands, and is never fought (decision 24). */
export type Contest = { readonly reason: "FieldContested"; readonly message: string };

export function ownedBy(
  spec: Pick<EmbeddingServiceSpec, "workloadRef" | "model">,
  managers: readonly string[],
): Contest {
  return { reason: "FieldContested", message: ownersText(spec, managers) };
}

export function setBySomebody({ env }: EmbeddingServiceSpec["model"], served: string | null): Contest {
  return { reason: "FieldContested", message: `somebody set ${env} of the workload to ${served ?? "nothing"}` };
}

/** Exactly the one field, as server-side apply wants it. */
export function fieldPatch(
  name: string,
  namespace: string,
  model: EmbeddingServiceSpec["model"],
  uri: string,
  inInitContainer: boolean,
) {
  const container = { name: model.container, env: [{ name: model.env, value: uri }] };
  return {
    metadata: { name, namespace },
    spec: { template: { spec: inInitContainer ? { initContainers: [container] } : { containers: [container] } } },
  };
}
