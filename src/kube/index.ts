export { type BackoffOptions, backoffDelay } from "./backoff.ts";
export * from "./builtin.ts";
export {
  type Applied,
  type ApplyOptions,
  type CallOptions,
  type ConnectOptions,
  type Created,
  connect,
  type DeleteOptions,
  Kube,
  type List,
  type ListOptions,
  type Partially,
  type PatchOptions,
  type Selection,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from "./client.ts";
export { type Clock, type ManualClock, manualClock, sleep, systemClock } from "./clock.ts";
export type { ClusterConfig } from "./config.ts";
export { type ErrorCause, isKubeError, KubeError, type KubeErrorKind } from "./error.ts";
export type { Fence } from "./fence.ts";
export { type Handler, Informer, type InformerOptions } from "./informer.ts";
export {
  compareResourceVersions,
  formatKey,
  type Key,
  type KubeObject,
  keyOf,
  type ObjectMeta,
  type OwnerReference,
  parseKey,
  type Stored,
} from "./object.ts";
export { type Resource, type ResourceDefinition, resource } from "./resource.ts";
export type { Change, Index } from "./store.ts";
export { TokenBucket, type TokenBucketOptions } from "./token-bucket.ts";
