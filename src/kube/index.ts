export { type BackoffOptions, backoffDelay } from "./backoff.ts";
export * from "./builtin.ts";
export type {
  Applied,
  ApplyOptions,
  CallOptions,
  Created,
  DeleteOptions,
  List,
  ListOptions,
  Partially,
  PatchOptions,
  Selection,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./call-options.ts";
export { type ConnectOptions, connect, Kube } from "./client.ts";
export { type Clock, type ManualClock, manualClock, sleep, systemClock } from "./clock.ts";
export { type Condition, findCondition, isTrue, removeCondition, setCondition } from "./conditions.ts";
export type { ClusterConfig } from "./config.ts";
export {
  Controller,
  type ControllerOptions,
  done,
  each,
  mapped,
  type Outcome,
  ownersOf,
  type Requeue,
  type Source,
  type SourceOptions,
  TerminalError,
} from "./controller.ts";
export { type ErrorCause, isKubeError, KubeError, type KubeErrorKind } from "./error.ts";
export { EventRecorder, type EventRecorderOptions, type Occurrence } from "./event-recorder.ts";
export type { Fence } from "./fence.ts";
export { hasFinalizer, isBeingDeleted, withFinalizer, withoutFinalizer } from "./finalizers.ts";
export { type Handler, Informer, type InformerOptions } from "./informer.ts";
export { LeaderElector, type LeaderElectorOptions, type Term } from "./leader-elector.ts";
export { type Health, Manager, type ManagerOptions, untilStopped } from "./manager.ts";
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
export { controllerOf, controllerReference, isControlledBy, isOwnedBy, ownerReference } from "./owner-references.ts";
export { type Resource, type ResourceDefinition, resource } from "./resource.ts";
export type { Change, Index } from "./store.ts";
export { TokenBucket, type TokenBucketOptions } from "./token-bucket.ts";
export { WorkQueue, type WorkQueueHooks, type WorkQueueOptions } from "./work-queue.ts";
export { WriteTracker } from "./write-tracker.ts";
