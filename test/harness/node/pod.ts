import type { V1Container, V1ContainerStatus, V1Pod, V1PodStatus, V1Probe, V1Volume } from "@kubernetes/client-node";
import type { OnWire } from "../kubernetes-api.ts";

export type Pod = OnWire<V1Pod>;
export type PodStatus = OnWire<V1PodStatus>;
export type Container = OnWire<V1Container>;
export type ContainerStatus = OnWire<V1ContainerStatus>;
export type Probe = OnWire<V1Probe>;
export type Volume = OnWire<V1Volume>;

/** Who a pod is; these fields always exist on an object that came from the API server. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
}

export function identityOf(pod: Pod): PodIdentity {
  const { namespace = "", name = "", uid = "" } = pod.metadata ?? {};
  return { namespace, name, uid, node: pod.spec?.nodeName ?? "" };
}

export function pathOf({ namespace, name }: Pick<PodIdentity, "namespace" | "name">): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}

/** A reason for which a container or a volume cannot be made now; the node tries again. */
export class NotYet extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What an image is here: the command line and the environment that its processes start with. */
export interface Image {
  /** Replaced by a container's `command`. */
  readonly entrypoint: readonly string[];
  /** Replaced by a container's `args`; dropped when it sets `command`. */
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  /** Folders of this machine that its processes need and might not see, since /tmp and /run are a container's own. */
  readonly folders?: readonly string[];
}
