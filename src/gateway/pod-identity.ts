import { type GatewayConfig, modelIdentity } from "../api/index.ts";
import { controllerOf, type Pod } from "../kube/index.ts";

/** What the gateway needs to know of a pod. */
export type PodIdentity = {
  readonly uid: string;
  readonly name: string;
  /** Null until it has one. */
  readonly address: string | null;
  /** Of the model it serves; null when its variable has no plain value. */
  readonly digest: string | null;
  /** Ready, and not on its way out. */
  readonly ready: boolean;
};

/** Which pod this is, and which model it serves: the digest in its container's variable (decision 30). */
export function identify(pod: Pod & { metadata: { uid: string } }, model: GatewayConfig["model"]): PodIdentity {
  const { metadata, spec, status } = pod;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const value = containers
    .find(({ name }) => name === model.container)
    ?.env?.find(({ name }) => name === model.env)?.value;
  const condition = status?.conditions?.find(({ type }) => type === "Ready");
  return {
    uid: metadata.uid,
    name: metadata.name,
    address: status?.podIP ?? null,
    digest: value ? modelIdentity(value).digest : null,
    ready: condition?.status === "True" && metadata.deletionTimestamp === undefined,
  };
}

/**
 * Whether a pod is of this Deployment (decision 30): labels alone are anybody's. Its controller is one of the Deployment's
 * ReplicaSets, which are named after it and the hash of their template, with which their pods are labelled.
 */
export function isOfDeployment(pod: Pod, deployment: string): boolean {
  const owner = controllerOf(pod);
  const hash = pod.metadata.labels?.["pod-template-hash"];
  return owner?.apiVersion === "apps/v1" && owner.kind === "ReplicaSet" && owner.name === `${deployment}-${hash}`;
}
