/**
 * A runtime for Kubernetes controllers: typed client, informers, work queue, controllers, leader election, events.
 *
 *     const kube = await connect({ fieldManager: "example.com/greeter" });
 *     const greetings = new Informer({ kube, resource: greetingResource });
 *     const maps = new Informer({ kube, resource: configMaps, labelSelector: "app=greeter" });
 *     const election = new LeaderElector({ kube, lease: { namespace, name: "greeter" }, identity });
 *     const controllers = (fence: Fence | null) => {
 *       const writer = fence ? kube.fenced(fence) : kube;
 *       return [
 *         new Controller({
 *           name: "greeter",
 *           sources: [each(greetings), ownersOf(maps, greetingResource)],
 *           reconcile: async (key, signal) => {
 *             const greeting = greetings.get(key);
 *             if (!greeting) return done;
 *             await writer.apply(configMaps, configMapOf(greeting), { signal });
 *             return { after: 60_000 };
 *           },
 *         }),
 *       ];
 *     };
 *     await new Manager({ informers: [greetings, maps], election, controllers }).run(untilStopped());
 *
 * What it promises: an informer's cache becomes what the server has, whatever the connection does, and tells of every
 * object that went. A key is never reconciled twice at once, and never missed. A leader writes nothing once it may have
 * been replaced. Every call ends, with a `KubeError` that says whether trying again helps.
 */
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
export { type Clock, type ManualClock, manualClock, sleep, systemClock, untilAborted } from "./clock.ts";
export { type Condition, findCondition, isTrue, removeCondition, setCondition } from "./conditions.ts";
export type { ClusterConfig } from "./config.ts";
export { type Contact, contactLog, isOfContact } from "./contact.ts";
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
export { controllerOf, controllerReference, isControlledBy, ownerReference } from "./owner-references.ts";
export { type Resource, type ResourceDefinition, resource } from "./resource.ts";
export type { Change, Index } from "./store.ts";
export { TokenBucket, type TokenBucketOptions } from "./token-bucket.ts";
export { WorkQueue, type WorkQueueHooks, type WorkQueueOptions } from "./work-queue.ts";
export { WriteTracker } from "./write-tracker.ts";
