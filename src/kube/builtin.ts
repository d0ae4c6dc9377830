/**
 * The built-in kinds. Their fields are client-node's generated types, as they are on the wire: times stay strings,
 * because parsing every date of every pod costs more than it gives.
 */
import type {
  CoreV1Event,
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1ConfigMap,
  V1CronJob,
  V1CustomResourceDefinition,
  V1Deployment,
  V1EndpointSlice,
  V1Job,
  V1Lease,
  V1Namespace,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodDisruptionBudget,
  V1ReplicaSet,
  V1Role,
  V1RoleBinding,
  V1Secret,
  V1Service,
  V1ServiceAccount,
  V1StatefulSet,
  V2HorizontalPodAutoscaler,
} from "@kubernetes/client-node";
import type { KubeObject } from "./object.ts";
import { type Resource, resource } from "./resource.ts";

/** A generated type as JSON carries it. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Field in keyof T]: Wire<T[Field]> }
      : T;

type BuiltIn<Generated> = KubeObject & Omit<Wire<Generated>, keyof KubeObject>;

export interface Pod extends BuiltIn<V1Pod> {}
export interface ConfigMap extends BuiltIn<V1ConfigMap> {}
export interface Secret extends BuiltIn<V1Secret> {}
export interface Service extends BuiltIn<V1Service> {}
export interface Event extends BuiltIn<CoreV1Event> {}
export interface Namespace extends BuiltIn<V1Namespace> {}
export interface Node extends BuiltIn<V1Node> {}
export interface PersistentVolumeClaim extends BuiltIn<V1PersistentVolumeClaim> {}
export interface ServiceAccount extends BuiltIn<V1ServiceAccount> {}
export interface Deployment extends BuiltIn<V1Deployment> {}
export interface ReplicaSet extends BuiltIn<V1ReplicaSet> {}
export interface StatefulSet extends BuiltIn<V1StatefulSet> {}
export interface Job extends BuiltIn<V1Job> {}
export interface CronJob extends BuiltIn<V1CronJob> {}
export interface Lease extends BuiltIn<V1Lease> {}
export interface PodDisruptionBudget extends BuiltIn<V1PodDisruptionBudget> {}
export interface HorizontalPodAutoscaler extends BuiltIn<V2HorizontalPodAutoscaler> {}
export interface EndpointSlice extends BuiltIn<V1EndpointSlice> {}
export interface Role extends BuiltIn<V1Role> {}
export interface RoleBinding extends BuiltIn<V1RoleBinding> {}
export interface ClusterRole extends BuiltIn<V1ClusterRole> {}
export interface ClusterRoleBinding extends BuiltIn<V1ClusterRoleBinding> {}
export interface CustomResourceDefinition extends BuiltIn<V1CustomResourceDefinition> {}

function builtIn<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  namespaced = true,
): Resource<T> {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  return resource<T>({ group, version: apiVersion.slice(slash + 1), plural, kind, namespaced });
}

export const pods = builtIn<Pod>("v1", "Pod", "pods");
export const configMaps = builtIn<ConfigMap>("v1", "ConfigMap", "configmaps");
export const secrets = builtIn<Secret>("v1", "Secret", "secrets");
export const services = builtIn<Service>("v1", "Service", "services");
export const events = builtIn<Event>("v1", "Event", "events");
export const namespaces = builtIn<Namespace>("v1", "Namespace", "namespaces", false);
export const nodes = builtIn<Node>("v1", "Node", "nodes", false);
export const persistentVolumeClaims = builtIn<PersistentVolumeClaim>(
  "v1",
  "PersistentVolumeClaim",
  "persistentvolumeclaims",
);
export const serviceAccounts = builtIn<ServiceAccount>("v1", "ServiceAccount", "serviceaccounts");
export const deployments = builtIn<Deployment>("apps/v1", "Deployment", "deployments");
export const replicaSets = builtIn<ReplicaSet>("apps/v1", "ReplicaSet", "replicasets");
export const statefulSets = builtIn<StatefulSet>("apps/v1", "StatefulSet", "statefulsets");
export const jobs = builtIn<Job>("batch/v1", "Job", "jobs");
export const cronJobs = builtIn<CronJob>("batch/v1", "CronJob", "cronjobs");
export const leases = builtIn<Lease>("coordination.k8s.io/v1", "Lease", "leases");
export const podDisruptionBudgets = builtIn<PodDisruptionBudget>(
  "policy/v1",
  "PodDisruptionBudget",
  "poddisruptionbudgets",
);
export const horizontalPodAutoscalers = builtIn<HorizontalPodAutoscaler>(
  "autoscaling/v2",
  "HorizontalPodAutoscaler",
  "horizontalpodautoscalers",
);
export const endpointSlices = builtIn<EndpointSlice>("discovery.k8s.io/v1", "EndpointSlice", "endpointslices");
export const roles = builtIn<Role>("rbac.authorization.k8s.io/v1", "Role", "roles");
export const roleBindings = builtIn<RoleBinding>("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings");
export const clusterRoles = builtIn<ClusterRole>("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", false);
export const clusterRoleBindings = builtIn<ClusterRoleBinding>(
  "rbac.authorization.k8s.io/v1",
  "ClusterRoleBinding",
  "clusterrolebindings",
  false,
);
export const customResourceDefinitions = builtIn<CustomResourceDefinition>(
  "apiextensions.k8s.io/v1",
  "CustomResourceDefinition",
  "customresourcedefinitions",
  false,
);
