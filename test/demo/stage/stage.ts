import { join } from "node:path";
import type { StoreUri } from "../../../src/api/index.ts";
import type { Kube } from "../../../src/kube/index.ts";
import type { Store } from "../../../src/registry/index.ts";
import type { Kubectl } from "./kubectl.ts";

export const repository = join(import.meta.dirname, "..", "..", "..");

/** Where the demo plays: a cluster, a Prometheus that scrapes its pods, and a way to the store and the gateways. */
export interface Stage {
  readonly name: "embedded" | "current";
  /** of operator and gateways, and of trainers and servers */
  readonly image: string;
  readonly trainerImage: string;
  /** as the cluster's admin: for the chart, namespaces and users, and nothing else */
  readonly admin: Kubectl;
  readonly helm: string;
  /** Prometheus as the operator reaches it, and as people do */
  readonly prometheus: { readonly url: string; readonly forPeople: string };
  /** What a claim for the store needs here besides its size. */
  readonly claim: Readonly<Record<string, unknown>>;
  /** Copies a prepared store's artefacts into the volume of a claim. */
  readonly fillStore: (store: string) => Promise<void>;
  /** @returns an artefact of the volume, as a folder of this machine */
  readonly artefact: (uri: StoreUri) => Promise<string>;
  /** @returns everything that a name of the volume's store holds, as a store of this machine */
  readonly storeOf: (name: string) => Promise<Store>;
  /** @returns base URLs of the gateways that are ready, as they are at the time of the call */
  readonly gateways: (kube: Kube) => Promise<() => readonly string[]>;
  readonly stop: () => Promise<void>;
}
