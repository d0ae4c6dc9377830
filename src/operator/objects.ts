/** The built-in kinds' types for the pure files, which see no client. */
export type {
  Deployment,
  Job,
  PersistentVolumeClaim,
  Pod,
  Stored,
} from "../kube/index.ts";
