import type { Clock, EventRecorder, Key, Kube, WriteTracker } from "../kube/index.ts";
import type { catalogue, Instruments } from "../metrics/index.ts";
import type { PrometheusSources } from "../signals/index.ts";
import type { Caches } from "./caches.ts";
import type { Ownerships } from "./ownership.ts";

export type Settings = {
  /** Of gateways. */
  readonly image: string;
  /** Of training and evaluation. */
  readonly trainerImage: string;
  /** How often everything is looked at although nothing changed, ms. */
  readonly resync: number;
};

/** What a reconcile works with. */
export type Ports = {
  /** Its writes are sent only while this process leads. */
  readonly kube: Kube;
  readonly caches: Caches;
  /** Of the controller: what it has written and not yet seen. */
  readonly writes: WriteTracker;
  /** Of this term: who was found to own workloads' fields. */
  readonly ownerships: Ownerships;
  readonly events: EventRecorder;
  readonly sources: PrometheusSources;
  readonly metrics: Instruments<(typeof catalogue)["operator"]>;
  readonly settings: Settings;
  readonly clock: Clock;
};

/** One reconcile: of which key, with what, until when. */
export type Turn = Ports & { readonly key: Key & { readonly namespace: string }; readonly signal: AbortSignal };
