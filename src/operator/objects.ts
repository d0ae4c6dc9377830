/** The built-in kinds' types for the pure files, which see no client. */
export type {
  Deployment,
  Pod,
  Stored,
} from "../kube/index.ts";
