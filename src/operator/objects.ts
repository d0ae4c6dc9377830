/** The built-in kinds' types for the pure files, which see no client. */
export type {
  ConfigMap,
  Deployment,
  Job,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  RoleBinding,
  Service,
  ServiceAccount,
  Stored,
} from "../kube/index.ts";
